import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { projectSchema, type PlatformDocument, type ProjectDocument } from '../documents/index.js';
import { documentIssues } from '../documents/issues.js';
import { RenderError } from '../errors.js';
import { renderProject } from '../render.js';
import { examplePlatform, exampleProject } from '../testing/arbitrary-documents.js';
import { podTemplateOf, type GoldenObject } from '../testing/golden-objects.js';

type Release = NonNullable<ProjectDocument['spec']['release']>;

const PLATFORM: PlatformDocument = {
  ...examplePlatform,
  spec: { ...examplePlatform.spec, release: { registries: ['registry.example.com/'] } },
};
const DATABASE = { engine: 'postgresql', version: '16', storage: '10Gi', preset: 'small' } as const;

const release = (more: Partial<Release> = {}): Release => ({
  image: `registry.example.com/blog@sha256:${'a'.repeat(64)}`,
  replicas: 2,
  host: 'r8m2w5t1zq4c',
  env: [],
  preset: 'small',
  ...more,
});

const render = (more: Partial<Release>, spec: Partial<ProjectDocument['spec']> = {}, platform = PLATFORM) =>
  new Map(
    [
      ...renderProject({
        platform,
        project: exampleProject({ ...spec, release: release(more) }),
        intent: 'x',
      }),
    ].map(([file, text]) => [file, load(text) as GoldenObject & { readonly spec: Record<string, unknown> }]),
  );

type Objects = ReturnType<typeof render>;

const deployment = (objects: Objects) => objects.get('deployment-my-blog--release.yaml');

const template = (objects: Objects) => {
  const object = deployment(objects);
  return object === undefined ? undefined : podTemplateOf(object);
};

const filesOf = (objects: Objects): string[] =>
  [...objects.keys()].filter((file) => file.includes('--release'));

const ALWAYS = [
  'deployment-my-blog--release.yaml',
  'ingress-my-blog--release.yaml',
  'service-my-blog--release.yaml',
];
const RUNNING = [
  ...ALWAYS,
  'horizontalpodautoscaler-my-blog--release.yaml',
  'poddisruptionbudget-my-blog--release.yaml',
].sort();

describe('a release', () => {
  it.each<
    [string, { of?: Partial<ProjectDocument['spec']>; release?: Partial<Release>; files: readonly string[] }]
  >([
    ['running', { files: RUNNING }],
    ['without pods', { release: { replicas: 0 }, files: ALWAYS }],
    ['of a stopped project', { of: { state: 'Stopped' }, files: ALWAYS }],
    ['of a deleted project', { of: { state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z' }, files: [] }],
  ])('%s', (_what, { release: more = {}, of = {}, files }) => {
    expect(filesOf(render(more, of))).toEqual(files);
  });

  it('is not there without one', () => {
    const files = renderProject({ platform: PLATFORM, project: exampleProject(), intent: 'x' });
    expect([...files.keys()].filter((file) => file.includes('release'))).toEqual([]);
  });

  it('leaves how many pods there are to the autoscaler, and says it only where there is none', () => {
    const replicas = (objects: Objects): unknown => deployment(objects)?.spec['replicas'];
    expect(replicas(render({}))).toBeUndefined();
    expect(replicas(render({ replicas: 0 }))).toBe(0);
    expect(replicas(render({}, { state: 'Stopped' }))).toBe(0);
    const scaling = (more: Partial<Release>): unknown =>
      render(more).get('horizontalpodautoscaler-my-blog--release.yaml')?.spec;
    expect(scaling({ replicas: 3 })).toMatchObject({ minReplicas: 3, maxReplicas: 3 });
    expect(scaling({ maxReplicas: 9 })).toMatchObject({ minReplicas: 2, maxReplicas: 9 });
  });

  it('finds its own pods, and not those of the sandbox', () => {
    const objects = render({});
    const labels = { 'fullstackagent.dev/project': 'my-blog', 'fullstackagent.dev/workload': 'release' };
    expect(deployment(objects)?.spec['selector']).toEqual({ matchLabels: labels });
    expect(objects.get('service-my-blog--release.yaml')?.spec['selector']).toEqual(labels);
    expect(objects.get('poddisruptionbudget-my-blog--release.yaml')?.spec['selector']).toEqual({
      matchLabels: labels,
    });
    expect(template(objects)?.metadata.labels).toMatchObject(labels);
  });

  it('has its name in every label that people select by, its address included', () => {
    const objects = render({ env: [{ name: 'A', value: '1' }] });
    for (const file of filesOf(objects))
      expect(objects.get(file)?.metadata.labels?.['app.kubernetes.io/name'], file).toBe('release');
  });

  it('listens where it says, and is told so', () => {
    const objects = render({ port: 8080 });
    expect(template(objects)?.spec.containers[0]).toMatchObject({
      ports: [{ name: 'app', containerPort: 8080, protocol: 'TCP' }],
      env: expect.arrayContaining([{ name: 'PORT', value: '8080' }]) as unknown,
    });
    expect(objects.get('service-my-blog--release.yaml')?.spec['ports']).toEqual([
      { name: 'app', port: 8080, protocol: 'TCP', targetPort: 'app' },
    ]);
  });

  it('gets the database only where it asks for it', () => {
    const names = (more: Partial<Release>): string[] =>
      (template(render(more, { database: DATABASE }))?.spec.containers[0]?.['env'] as { name: string }[]).map(
        ({ name }) => name,
      );
    expect(names({})).toEqual(['PROJECT_NAME', 'PORT', 'APP_HOST']);
    expect(names({ database: true })).toEqual([...names({}), 'PGUSER', 'PGPASSWORD', 'DATABASE_URL']);
  });
});

describe("a release's variables", () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', sealed: 'AgBb' },
  ];

  it('are kept under a name that changes with them, and the pod waits for just these', () => {
    const named = (list: Release['env']): readonly [string | undefined, unknown] => {
      const objects = render({ env: list });
      const file = [...objects.keys()].find((key) => key.startsWith('configmap-my-blog--release-env-'));
      return [
        file?.slice('configmap-'.length, -'.yaml'.length),
        template(objects)?.spec.containers[0]?.['envFrom'],
      ];
    };
    const [name, from] = named(env);
    expect(name).toMatch(/^my-blog--release-env-[a-z0-9]{13}$/);
    expect(from).toEqual([{ configMapRef: { name } }, { secretRef: { name } }]);
    expect(named([...env].reverse())[0]).toBe(name);
    expect(named([...env, { name: 'C', value: '' }])[0]).not.toBe(name);
    expect(named([env[0] ?? { name: 'A', value: '1' }, { name: 'B', sealed: 'AgBc' }])[0]).not.toBe(name);
  });

  it('of the releases before it stay for the pods that have them, and the new pod takes none of them', () => {
    const holds = (objects: Objects): readonly string[] =>
      [...objects.keys()].filter((file) => file.includes('--release-env-'));
    const older = [{ name: 'A', value: '0' }];
    const [first, second, both] = [
      render({ env: older }),
      render({ env }),
      render({ env, formerEnv: [older, [{ name: 'C', sealed: 'AgCc' }]] }),
    ];
    expect(holds(both)).toEqual(expect.arrayContaining([...holds(first), ...holds(second)]));
    expect(holds(both)).toHaveLength(4);
    for (const file of holds(first)) expect(both.get(file)).toEqual(first.get(file));
    expect(deployment(both)).toEqual(deployment(second));
  });

  it.each<[string, Partial<Release>, Partial<ProjectDocument['spec']>]>([
    ['in a stopped project', {}, { state: 'Stopped' }],
    ['with no pods', { replicas: 0 }, {}],
  ])('of the releases before it go where nothing runs: %s', (_where, more, spec) => {
    const former = { env, formerEnv: [[{ name: 'C', sealed: 'AgCc' }]] };
    expect([...render({ ...more, ...former }, spec)]).toEqual([...render({ ...more, env }, spec)]);
  });

  it('are there once where one before had the same', () => {
    expect([...render({ env, formerEnv: [[...env].reverse(), env] })]).toEqual([...render({ env })]);
  });

  it("roll the pods; the sandbox's never do", () => {
    const before = template(render({ env }));
    expect(template(render({ env: [{ name: 'A', value: '2' }] }))).not.toEqual(before);
    expect(template(render({ env }, { env: [{ name: 'A', value: '2' }] }))).toEqual(before);
  });
});

describe('is refused', () => {
  it.each<[string, Partial<Release>, RegExp]>([
    ['an image of another registry', { image: `evil.example.com/x@sha256:${'a'.repeat(64)}` }, /not allow/],
    [
      'a registry that only begins alike',
      { image: `registry.example.com.evil.com/x@sha256:${'a'.repeat(64)}` },
      /not allow/,
    ],
    ['a size that is not offered', { preset: 'huge' }, /no release size "huge"/],
  ])('%s', (_what, more, message) => {
    expect(() => render(more)).toThrow(message);
  });

  it('where the platform has none', () => {
    expect(() => render({}, {}, examplePlatform)).toThrow(RenderError);
  });

  const problems = (more: Record<string, unknown>): readonly string[] => {
    const document = exampleProject({ release: { ...release(), ...more } });
    const result = projectSchema.safeParse(document);
    return result.success ? [] : documentIssues(result.error).map(({ field }) => field);
  };

  it.each<[string, Record<string, unknown>, string]>([
    ['a tag', { image: 'registry.example.com/blog:1.0' }, 'image'],
    ['a tag and a digest', { image: `registry.example.com/blog:1@sha256:${'a'.repeat(64)}` }, 'image'],
    ['a digest that is cut off', { image: `registry.example.com/blog@sha256:${'a'.repeat(63)}` }, 'image'],
    ['a line end', { image: `registry.example.com/blog@sha256:${'a'.repeat(64)}\n` }, 'image'],
    ['an image without a registry', { image: `blog@sha256:${'a'.repeat(64)}` }, 'image'],
    ['too many pods', { replicas: 51 }, 'replicas'],
    ['fewer under load', { maxReplicas: 1 }, 'maxReplicas'],
    ['more of nothing', { replicas: 0, maxReplicas: 3 }, 'maxReplicas'],
    ["the sandbox's host", { host: 'k3x9q2mvt7ab' }, 'host'],
    ['a database that is not there', { database: true }, 'database'],
    ['a variable of the platform', { env: [{ name: 'PORT', value: '1' }] }, 'env.0.name'],
    ['a field nobody knows', { command: 'x' }, 'command'],
    ['too many variables of before', { formerEnv: Array(4).fill([{ name: 'A', value: '1' }]) }, 'formerEnv'],
  ])('%s', (_what, more, field) => {
    expect(problems(more)).toEqual([`spec.release.${field}`]);
  });

  it('nothing of what is fine', () => {
    expect(problems({})).toEqual([]);
    expect(problems({ maxReplicas: 2, port: 8080, visibility: 'members' })).toEqual([]);
  });
});
