import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { platformSchema, type PlatformDocument, type ProjectDocument } from '../documents/index.js';
import { documentIssues } from '../documents/issues.js';
import { renderProject } from '../render.js';
import { examplePlatform, exampleProject } from '../testing/arbitrary-documents.js';
import { goldenObjects, type GoldenObject } from '../testing/golden-objects.js';
import { HTTP_ROUTE } from '../testing/http-route-schema.js';
import { structuralProblems } from '../testing/structural-schema.js';

type Exposure = PlatformDocument['spec']['exposure'];

const platformWith = (exposure: object): PlatformDocument => ({
  ...examplePlatform,
  spec: { ...examplePlatform.spec, exposure: { ...examplePlatform.spec.exposure, ...exposure } },
});

const GATEWAY = { ingressClass: undefined, gateway: { name: 'public', namespace: 'gateway-system' } };
const LISTENER = { ...GATEWAY, gateway: { ...GATEWAY.gateway, sectionName: 'https' } };
const AUTH = {
  forwardAuth: { url: 'https://portal.example.com/auth', signIn: 'https://portal.example.com/login' },
};

const ports = [
  { port: 5173, name: 'vite', visibility: 'members' },
  { port: 6006, name: 'book', visibility: 'public' },
] as const;

const withPorts = (spec: Partial<ProjectDocument['spec']['sandbox']> = {}): ProjectDocument =>
  exampleProject({ sandbox: { ...exampleProject().spec.sandbox, ports: [...ports], ...spec } });

const render = (exposure: object, project = withPorts()): GoldenObject[] =>
  [...renderProject({ platform: platformWith(exposure), project, intent: 'x' }).values()].map(
    (text) => load(text) as GoldenObject,
  );

const routes = (exposure: object, project = withPorts()): GoldenObject[] =>
  render(exposure, project).filter(({ kind }) => kind === 'Ingress' || kind === 'HTTPRoute');

describe('forward-auth', () => {
  const asked = (exposure: Partial<Exposure>, project = withPorts()): Readonly<Record<string, boolean>> =>
    Object.fromEntries(
      routes({ ...AUTH, ...exposure }, project).map(({ metadata }) => [
        metadata.name,
        metadata.annotations?.['nginx.ingress.kubernetes.io/auth-url'] === AUTH.forwardAuth.url &&
          metadata.annotations['nginx.ingress.kubernetes.io/auth-signin'] === AUTH.forwardAuth.signIn,
      ]),
    );

  it('asks for what is for members: the terminal always, the app unless it is public', () => {
    const always = { 'my-blog--ttyd': true, 'my-blog--port-vite': true, 'my-blog--port-book': false };
    expect(asked({})).toEqual({ ...always, 'my-blog--app': true });
    expect(asked({ visibility: 'public' })).toEqual({ ...always, 'my-blog--app': false });
    expect(asked({}, withPorts({ visibility: 'public' }))).toEqual({ ...always, 'my-blog--app': false });
    expect(asked({ visibility: 'public' }, withPorts({ visibility: 'members' }))).toEqual({
      ...always,
      'my-blog--app': true,
    });
  });

  it('is not there where the platform has none', () => {
    expect(JSON.stringify(routes({}))).not.toContain('auth-url');
  });

  it.each([
    'https://portal.example.com/auth;return 200',
    'https://portal.example.com/$uri',
    'https://portal.example.com/a b',
    'https://portal.example.com/a\nb',
    'https://portal.example.com/"',
    'https://{a}/',
    'javascript:alert(1)',
    'portal.example.com',
  ])('never takes %j for an address', (url) => {
    const result = platformSchema.safeParse(platformWith({ forwardAuth: { url, signIn: url } }));
    expect(result.success).toBe(false);
  });
});

it('an Ingress has these annotations and no other, none of a project, no snippet', () => {
  const known = new Set([
    'cert-manager.io/cluster-issuer',
    'fullstackagent.dev/intent',
    ...['auth-signin', 'auth-url', 'proxy-body-size', 'proxy-read-timeout', 'proxy-send-timeout'].map(
      (name) => `nginx.ingress.kubernetes.io/${name}`,
    ),
  ]);
  const keys = goldenObjects()
    .filter(({ object }) => object.kind === 'Ingress')
    .flatMap(({ object }) => Object.keys(object.metadata.annotations ?? {}));
  expect(keys.filter((key) => !known.has(key))).toEqual([]);
});

it.each([
  [{}, '0'],
  [{ bodyLimit: '64Mi' }, '64m'],
  [{ bodyLimit: '2Gi' }, '2g'],
])('a body limit %j is "%s" to nginx', (exposure, expected) => {
  for (const { metadata } of routes(exposure))
    expect(metadata.annotations?.['nginx.ingress.kubernetes.io/proxy-body-size']).toBe(expected);
});

describe('through a gateway', () => {
  it('the same hosts lead to the same ports as through Ingresses', () => {
    interface IngressSpec {
      rules: [{ host: string; http: { paths: [{ backend: { service: { port: { number: number } } } }] } }];
    }
    interface RouteSpec {
      hostnames: [string];
      rules: [{ backendRefs: [{ port: number }] }];
    }
    const byIngress = routes({}).map((object) => {
      const [rule] = (object['spec'] as IngressSpec).rules;
      return [object.metadata.name, rule.host, rule.http.paths[0].backend.service.port.number];
    });
    const byRoute = routes(GATEWAY).map((object) => {
      const spec = object['spec'] as RouteSpec;
      return [object.metadata.name, spec.hostnames[0], spec.rules[0].backendRefs[0].port];
    });
    expect(byRoute.sort()).toEqual(byIngress.sort());
    expect(routes(GATEWAY).map(({ kind }) => kind)).toEqual(byIngress.map(() => 'HTTPRoute'));
  });

  it('a route is of the listener that is named, and of all where there is no TLS to keep', () => {
    const parents = (exposure: object): unknown[] =>
      routes(exposure).map((object) => (object['spec'] as { parentRefs: [object] }).parentRefs);
    const parent = { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...GATEWAY.gateway };
    for (const refs of parents({ ...LISTENER, tls: { mode: 'gateway' } }))
      expect(refs).toEqual([{ ...parent, sectionName: 'https' }]);
    for (const refs of parents({ ...GATEWAY, tls: { mode: 'none' } })) expect(refs).toEqual([parent]);
  });

  it('no example with TLS has a route of all listeners', () => {
    const open = goldenObjects().filter(
      ({ where, object }) =>
        object.kind === 'HTTPRoute' &&
        !where.startsWith('gateway-without-tls') &&
        !JSON.stringify(object['spec']).includes('"sectionName"'),
    );
    expect(open.map(({ where }) => where)).toEqual([]);
  });

  it('a route is what the Gateway API knows, in every example', () => {
    const objects = goldenObjects().filter(({ object }) => object.kind === 'HTTPRoute');
    expect(objects.length).toBeGreaterThan(0);
    for (const { where, object } of objects)
      expect(structuralProblems(HTTP_ROUTE, object, where)).toEqual([]);
  });

  it('and the check itself sees a wrong field, a wrong value and a wrong time', () => {
    const [route] = routes(GATEWAY);
    const broken = structuredClone(route) as unknown as {
      spec: { rules: [{ timeouts: { request: string }; backendRefs: [object] }]; host?: string };
    };
    broken.spec.rules[0].timeouts.request = '1 hour';
    broken.spec.rules[0].backendRefs[0] = { kind: 'Service', name: 'x', port: '80' };
    broken.spec.host = 'x';
    expect(structuralProblems(HTTP_ROUTE, broken, 'route').length).toBe(3);
  });
});

describe('the platform names one way in', () => {
  const problems = (exposure: object): readonly string[] => {
    const result = platformSchema.safeParse(platformWith(exposure));
    return result.success
      ? []
      : documentIssues(result.error).map(({ field, message }) => `${field}: ${message}`);
  };

  it.each<[string, object]>([
    ['a class', {}],
    ['a gateway', GATEWAY],
    ['a listener of a gateway', LISTENER],
    ['a listener of a gateway with TLS', { ...LISTENER, tls: { mode: 'gateway' } }],
  ])('%s is one', (_what, exposure) => {
    expect(problems(exposure)).toEqual([]);
  });

  it.each<[string, object, RegExp]>([
    ['both', { gateway: GATEWAY.gateway }, /exposure\.ingressClass: .*exactly one/],
    ['neither', { ingressClass: undefined }, /exposure\.ingressClass: .*exactly one/],
    [
      'a certificate where the gateway has it',
      { ...GATEWAY, tls: { mode: 'wildcard', secretName: 'x' } },
      /\.tls/,
    ],
    ["a gateway's TLS without one", { tls: { mode: 'gateway' } }, /exposure\.tls: .*needs a gateway/],
    [
      "a gateway's TLS, and its plain HTTP with it",
      { ...GATEWAY, tls: { mode: 'gateway' } },
      /exposure\.gateway\.sectionName: .*answers plain HTTP too/,
    ],
    ['forward-auth by a gateway', { ...GATEWAY, ...AUTH }, /exposure\.forwardAuth: An HTTPRoute cannot/],
    [
      'a body limit by a gateway',
      { ...GATEWAY, bodyLimit: '1Mi' },
      /exposure\.bodyLimit: An HTTPRoute cannot/,
    ],
  ])('%s is refused with a reason', (_what, exposure, message) => {
    expect(problems(exposure)).toEqual([expect.stringMatching(message)]);
  });
});
