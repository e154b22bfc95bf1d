import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import {
  API_VERSION,
  renderedProjectDir,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from './documents/index.js';
import { RenderError } from './errors.js';
import { renderDelivery, renderProject, renderTenant } from './render.js';
import { examplePlatform, exampleProject } from './testing/arbitrary-documents.js';

const INTENT = '0123456789abcdef0123456789abcdef01234567';
const database = { engine: 'postgresql', version: '16', storage: '10Gi', preset: 'small' } as const;
const tenant: TenantDocument = {
  apiVersion: API_VERSION,
  kind: 'Tenant',
  metadata: { name: 'ns-ajno7yq7' },
  spec: { displayName: 'Ada', members: [{ user: 'u1a2b3c4d5e6', role: 'owner' }] },
};

interface Meta {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly kind: string;
  readonly metadata: Meta;
  readonly spec: { readonly [key: string]: never };
}

const project = (spec: Partial<ProjectDocument['spec']> = {}, platform = examplePlatform) =>
  renderProject({ platform, project: exampleProject(spec), intent: INTENT });

const objects = (files: ReadonlyMap<string, string>): Manifest[] =>
  [...files.values()].map((text) => load(text) as Manifest);

const platformWith = (change: (spec: PlatformDocument['spec']) => void): PlatformDocument => {
  const copy = structuredClone(examplePlatform);
  change(copy.spec);
  return copy;
};

const RUNNING = [
  'configmap-my-blog--env.yaml',
  'ingress-my-blog--app.yaml',
  'ingress-my-blog--ttyd.yaml',
  'persistentvolumeclaim-my-blog--workspace.yaml',
  'sealedsecret-my-blog--terminal.yaml',
  'service-my-blog--pods.yaml',
  'service-my-blog.yaml',
  'statefulset-my-blog.yaml',
];

describe('the objects of a project', () => {
  it.each<[string, Partial<ProjectDocument['spec']>, readonly string[]]>([
    ['running', {}, RUNNING],
    ['stopped', { state: 'Stopped' }, RUNNING],
    ['with a database', { database }, ['cluster-my-blog--db.yaml', ...RUNNING]],
    [
      'with a sealed variable',
      { env: [{ name: 'A', sealed: 'AgBx' }] },
      [...RUNNING, 'sealedsecret-my-blog--env.yaml'].sort(),
    ],
    [
      'with a further port',
      {
        sandbox: {
          ...exampleProject().spec.sandbox,
          ports: [{ port: 5173, name: 'vite', visibility: 'members' }],
        },
      },
      [...RUNNING, 'ingress-my-blog--port-vite.yaml'].sort(),
    ],
    [
      'deleted, data kept',
      { state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z', database, env: [{ name: 'A', value: 'b' }] },
      ['cluster-my-blog--db.yaml', 'persistentvolumeclaim-my-blog--workspace.yaml'],
    ],
  ])('%s', (_state, spec, files) => {
    expect([...project(spec).keys()]).toEqual(files);
  });

  it.each([
    ['Running', 1, false],
    ['Stopped', 0, true],
  ] as const)('%s means %i replicas and a database with stop: %s', (state, replicas, stop) => {
    const files = project({ state, database });
    const set = load(files.get('statefulset-my-blog.yaml') ?? '') as { spec: { replicas: number } };
    expect(set.spec.replicas).toBe(replicas);
    expect(files.get('cluster-my-blog--db.yaml')).toContain(`stop: ${stop}\n`);
  });

  it('all carry who made them, whose they are and what they were made from', () => {
    for (const { metadata } of objects(project({ database, env: [{ name: 'A', sealed: 'AgBx' }] }))) {
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/managed-by': 'fullstackagent',
        'fullstackagent.dev/project': 'my-blog',
      });
      expect(metadata.annotations).toMatchObject({ 'fullstackagent.dev/intent': INTENT });
    }
  });

  it('never carry the label by which KubeBlocks deletes', () => {
    const files = [
      ...project({ database }),
      ...renderTenant({ platform: examplePlatform, tenant, intent: INTENT }),
    ];
    for (const [file, text] of files) expect(text, file).not.toContain('app.kubernetes.io/instance');
  });

  it('that hold data are protected from pruning, the others are not', () => {
    const kept = objects(project({ database })).filter(
      ({ metadata }) =>
        metadata.annotations?.['kustomize.toolkit.fluxcd.io/prune'] === 'disabled' &&
        metadata.annotations['argocd.argoproj.io/sync-options'] === 'Prune=false,Delete=false',
    );
    expect(kept.map(({ kind }) => kind)).toEqual(['Cluster', 'PersistentVolumeClaim']);
  });

  it('hide no snippet in an annotation', () => {
    for (const [file, text] of project({ database })) expect(text, file).not.toMatch(/snippet/);
  });

  it('have quantities as the API server writes them back', () => {
    const files = project({
      database: { ...database, storage: '1024Mi', preset: 'medium' },
      sandbox: { ...exampleProject().spec.sandbox, storage: '2048Gi' },
    });
    expect(files.get('persistentvolumeclaim-my-blog--workspace.yaml')).toContain('storage: 2Ti\n');
    expect(files.get('cluster-my-blog--db.yaml')).toContain('storage: 1Gi\n');
    expect(files.get('cluster-my-blog--db.yaml')).toContain('memory: 1Gi\n');
  });
});

describe('the pod', () => {
  it('meets Pod Security "restricted"', () => {
    const set = load(project({ database }).get('statefulset-my-blog.yaml') ?? '') as {
      spec: { template: { spec: { securityContext: object; containers: { securityContext: object }[] } } };
    };
    const pod = set.spec.template.spec;
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1001,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.containers.map(({ securityContext }) => securityContext)).toEqual([
      { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, privileged: false },
    ]);
    expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(pod).not.toHaveProperty('hostNetwork');
  });

  it('expands the database password only after it is defined', () => {
    const text = project({ database }).get('statefulset-my-blog.yaml') ?? '';
    const at = (name: string): number => text.indexOf(`- name: ${name}\n`);
    expect(at('PGUSER')).toBeGreaterThan(0);
    expect(at('PGPASSWORD')).toBeGreaterThan(at('PGUSER'));
    expect(at('DATABASE_URL')).toBeGreaterThan(at('PGPASSWORD'));
  });
});

describe('TLS', () => {
  const secretNames = (platform: PlatformDocument): string[] =>
    [...project({}, platform)]
      .filter(([file]) => file.startsWith('ingress-'))
      .map(([, text]) => /secretName: (.*)/.exec(text)?.[1] ?? 'none');

  it.each<[PlatformDocument['spec']['exposure']['tls'], readonly string[]]>([
    [{ mode: 'none' }, ['none', 'none']],
    [{ mode: 'wildcard', secretName: 'wildcard' }, ['wildcard', 'wildcard']],
    [{ mode: 'cert-manager', clusterIssuer: 'le' }, ['my-blog--app-tls', 'my-blog--ttyd-tls']],
  ])('%j', (tls, expected) => {
    expect(secretNames(platformWith((spec) => (spec.exposure.tls = tls)))).toEqual(expected);
  });
});

describe('documents that do not fit together', () => {
  const { sandbox } = exampleProject().spec;
  it.each<[string, Partial<ProjectDocument['spec']>, RegExp]>([
    [
      'an image',
      { sandbox: { ...sandbox, image: 'evil/image:1' } },
      /does not allow the image "evil\/image:1"/,
    ],
    [
      'a size',
      { sandbox: { ...sandbox, preset: 'huge' } },
      /no sandbox size "huge"; it has large, medium, small\./,
    ],
    [
      'a size called like a property',
      { sandbox: { ...sandbox, preset: 'toString' } },
      /no sandbox size "toString"/,
    ],
    ['a database size', { database: { ...database, preset: 'huge' } }, /no database size "huge"/],
    [
      'a database version',
      { database: { ...database, version: '9' } },
      /no PostgreSQL version "9"; it has 16\./,
    ],
  ])('%s is refused in words for a person', (_what, spec, message) => {
    expect(() => project(spec)).toThrow(RenderError);
    expect(() => project(spec)).toThrow(message);
  });
});

describe('the objects of a tenant', () => {
  const files = (platform = examplePlatform) => renderTenant({ platform, tenant, intent: INTENT });

  it('isolate, limit, and name what the controller may do', () => {
    expect([...files().keys()]).toEqual([
      'limitrange-tenant.yaml',
      'namespace-ns-ajno7yq7.yaml',
      'networkpolicy-controller-to-terminal.yaml',
      'networkpolicy-database.yaml',
      'networkpolicy-default-deny.yaml',
      'networkpolicy-dns.yaml',
      'networkpolicy-ingress-to-sandbox.yaml',
      'networkpolicy-internet.yaml',
      'networkpolicy-sandbox-to-database.yaml',
      'resourcequota-tenant.yaml',
      'role-fullstackagent-controller.yaml',
      'rolebinding-applier.yaml',
      'rolebinding-fullstackagent-controller.yaml',
      'serviceaccount-applier.yaml',
      'serviceaccount-release.yaml',
      'serviceaccount-sandbox.yaml',
    ]);
  });

  it('never give the controller more than reading, and exec', () => {
    const role = load(files().get('role-fullstackagent-controller.yaml') ?? '') as {
      rules: { resources: string[]; verbs: string[] }[];
    };
    const writes = role.rules.filter(({ verbs }) =>
      verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)),
    );
    expect(writes.flatMap(({ resources }) => resources)).toEqual(['pods/exec']);
  });
});

describe('what the applier needs for a project', () => {
  const delivery = (spec: Partial<ProjectDocument['spec']> = {}, flux: object = {}) =>
    renderDelivery({
      platform: platformWith((all) => (all.delivery = { flux })),
      project: exampleProject(spec),
    });
  const deleted = { state: 'Deleted', deletedAt: '2026-11-23T08:00:00Z' } as const;

  it('is nothing where the platform does not say that it is Flux', () => {
    expect(renderDelivery({ platform: examplePlatform, project: exampleProject() }).size).toBe(0);
  });

  it.each<[string, Partial<ProjectDocument['spec']>]>([
    ['running', {}],
    ['stopped', { state: 'Stopped' }],
    ['changed', { displayName: 'Another', env: [{ name: 'A', value: 'b' }] }],
    ['deleted', deleted],
    ['about to be purged', { ...deleted, purge: 'Unprotect' }],
  ])('is one object, the same for one that is %s', (_state, spec) => {
    const files = delivery(spec);
    expect([...files.keys()]).toEqual(['kustomization-my-blog.yaml']);
    expect(files).toEqual(delivery());
  });

  it('goes with the last of the project’s folder', () => {
    const last = { ...deleted, database, purge: 'Remove' } as const;
    expect([delivery(last).size, project(last).size]).toEqual([0, 0]);
  });

  it('is who reaches its database too, where there is one, whoever applies', () => {
    const file = 'networkpolicy-my-blog--db.yaml';
    expect([...delivery({ database }).keys()]).toEqual(['kustomization-my-blog.yaml', file]);
    const files = (spec: Partial<ProjectDocument['spec']>) =>
      renderDelivery({ platform: examplePlatform, project: exampleProject({ database, ...spec }) });
    expect([...files({}).keys()]).toEqual([file]);
    expect(files({ ...deleted, displayName: 'Another' })).toEqual(files({}));
  });

  it('applies that folder, from the source that the platform names', () => {
    const sourceOf = (flux: object): unknown => objects(delivery({}, flux))[0]?.spec['sourceRef'];
    expect(sourceOf({})).toEqual({ kind: 'GitRepository', name: 'platform', namespace: 'flux-system' });
    expect(sourceOf({ sourceName: 'gitops', sourceNamespace: 'sources' })).toEqual({
      kind: 'GitRepository',
      name: 'gitops',
      namespace: 'sources',
    });
    const { metadata } = exampleProject();
    expect(objects(delivery())[0]?.spec['path']).toBe(
      `./${renderedProjectDir(metadata.namespace, metadata.name)}`,
    );
  });

  it('changes nothing in the project’s own folder', () => {
    const platform = platformWith((all) => (all.delivery = { flux: {} }));
    expect(project({ database }, platform)).toEqual(project({ database }));
  });
});
