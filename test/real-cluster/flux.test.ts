import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { needs } from '../support/capabilities.js';
import { git } from '../support/git.js';
import { until } from '../support/until.js';
import { ApiServer, missingForApiServer } from './api-server.js';
import { ControllerProcess } from './controller.js';
import { EngineFollower } from './engine-follower.js';
import { Flux, missingForFlux } from './flux.js';
import { GitGateway } from './git-gateway.js';
import { install } from './installed.js';

const missing = missingForApiServer() ?? missingForFlux();
const ADA = 'ns-fluxadaa';
const BOB = 'ns-fluxbobb';
const IMAGE = `registry.example.com/releases/blog@sha256:${'0123456789abcdef'.repeat(4)}`;

type Saying = Pick<
  NonNullable<Kustomization['status']>,
  'conditions' | 'inventory' | 'lastAttemptedRevision' | 'lastAppliedRevision'
>;

/** What is said of a project in a status, whichever commit it is at. */
const sayingOf = (status: Saying | undefined): object => ({
  conditions: status?.conditions?.map(({ type, status: holds, reason, message }) => ({
    ...{ type, holds, reason },
    message: message.replace(/[0-9a-f]{40}/, '<commit>'),
  })),
  inventory: status?.inventory?.entries.map(({ id, v }) => `${id} ${v}`).sort(),
  attempted: status?.lastAttemptedRevision === status?.lastAppliedRevision,
});

/** The label that says which project an object is of. */
const PROJECT = 'fullstackagent.dev/project';
/** All that the charts render, but the Kustomizations, whose status moves. */
const KINDS = [
  ...['serviceaccounts', 'limitranges', 'resourcequotas', 'roles', 'rolebindings', 'networkpolicies'],
  ...['configmaps', 'persistentvolumeclaims', 'services', 'statefulsets', 'deployments', 'ingresses'],
  ...['horizontalpodautoscalers', 'poddisruptionbudgets', 'sealedsecrets', 'clusters.apps.kubeblocks.io'],
].join(',');

const KUSTOMIZATIONS = 'kustomizations.kustomize.toolkit.fluxcd.io';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

interface Live {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager: string; readonly operation: string }[];
  };
}

interface Kustomization extends Live {
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly observedGeneration?: number;
    readonly lastAppliedRevision?: string;
    readonly lastAttemptedRevision?: string;
    readonly lastHandledReconcileAt?: string;
    readonly inventory?: { readonly entries: readonly { readonly id: string; readonly v: string }[] };
  };
}

/**
 * Flux 2.7 as an operator installs it, from the template, on a branch that the controller renders. There are no nodes
 * and no controllers of Kubernetes itself: nothing runs, and what is deleted under a finalizer of theirs stays.
 */
describe('Flux applies what the controller renders', () => {
  const server = new ApiServer();
  const controller = new ControllerProcess((platform) =>
    platform.replace(
      /^ {2}tenant:$/m,
      '  release:\n    registries: [registry.example.com/releases/]\n  tenant:',
    ),
  );
  const flux = new Flux();
  const engine = new EngineFollower();
  const gateway = new GitGateway(
    {
      get port() {
        return controller.port;
      },
      readerToken: () => controller.readerToken(),
    },
    randomBytes(32).toString('hex'),
  );

  beforeAll(async () => {
    if (missing !== undefined) return;
    await install(server);
    await gateway.start();
    await controller.start(server.kubeconfigOf('fullstackagent-system', 'controller'), { DELIVERY: 'flux' });
    await flux.follow(server, controller, gateway);
    await engine.start(controller.repository);
    await controller.create(ADA, 'blog', {
      database: true,
      env: [
        { name: 'GREETING', value: 'yes' },
        { name: 'A_NUMBER', value: '0755' },
        { name: 'A_SECRET', value: 'hidden', secret: true },
      ],
    });
    await controller.create(ADA, 'shop', {});
    await controller.create(BOB, 'wiki', { env: [{ name: 'DOLLARS', value: '${HOME} $$ $(x)' }] });
  });

  afterAll(async () => {
    await flux.stop();
    await engine.stop();
    await controller.stop();
    gateway.stop();
    await server.stop();
  });

  beforeEach((context) => {
    needs(context, 'kubectl', 'git');
    context.skip(missing !== undefined, missing);
    onTestFailed(() => {
      process.stderr.write(flux.log());
    });
  });

  const kustomization = (namespace: string, name: string): Kustomization =>
    JSON.parse(server.kubectl('get', KUSTOMIZATIONS, name, '-n', namespace, '-o', 'json')) as Kustomization;

  const readyOf = ({ status }: Kustomization): Condition | undefined =>
    status?.conditions?.find(({ type }) => type === 'Ready');

  const applied = (namespace: string, name: string): Promise<Kustomization> =>
    until(`${namespace}/${name} is applied`, () => {
      const now = kustomization(namespace, name);
      const wanted = `rendered@sha1:${controller.tip()}`;
      if (readyOf(now)?.status !== 'True' || now.status?.lastAppliedRevision !== wanted)
        throw new Error(`${wanted} is wanted: ${JSON.stringify(now.status)}`);
      return now;
    });

  const PROJECTS = [
    [ADA, 'blog'],
    [ADA, 'shop'],
    [BOB, 'wiki'],
  ] as const;

  const folderOf = (namespace: string, name: string): string =>
    `tenants/${namespace.slice(3, 5)}/${namespace}/${name}`;

  /** As `flux reconcile kustomization` does; resolves when it is done with that. */
  async function reconcile(namespace: string, name: string): Promise<Kustomization> {
    const at = new Date().toISOString();
    const annotate = ['annotate', KUSTOMIZATIONS, name, '-n', namespace];
    const request = [`reconcile.fluxcd.io/requestedAt=${at}`, '--overwrite', '--field-manager=flux'];
    server.kubectl(...annotate, ...request);
    return until(`${namespace}/${name} is reconciled`, () => {
      const now = kustomization(namespace, name);
      return now.status?.lastHandledReconcileAt === at && readyOf(now)?.status !== 'Unknown' && now;
    });
  }

  /** Everything in a namespace that somebody applied, by kind and name. */
  function objectsIn(namespace: string): ReadonlyMap<string, Live> {
    const answer = JSON.parse(
      server.kubectl('get', KINDS, '-n', namespace, '-o', 'json', '--show-managed-fields'),
    ) as { readonly items: readonly Live[] };
    return new Map(answer.items.map((item) => [`${item.kind}/${item.metadata.name}`, item]));
  }

  const versions = (namespace: string, project?: string): Readonly<Record<string, string>> =>
    Object.fromEntries(
      [...objectsIn(namespace)]
        .filter(([, { metadata }]) => (project ?? metadata.labels?.[PROJECT]) === metadata.labels?.[PROJECT])
        .map(([key, { metadata }]) => [key, metadata.resourceVersion]),
    );

  /**
   * The local engine, on the same commit, says and does the same. What is different is meant: it has no `platform` but a
   * Kustomization for each tenant, it applies nothing of `platform/projects`, which is for Flux, and it moves a
   * Kustomization only at commits of its own folder.
   */
  async function expectEngineAgrees(...projects: readonly (readonly [string, string])[]): Promise<void> {
    const revision = `rendered@sha1:${controller.tip()}`;
    await until('the engine has looked at the commit', () => engine.revision === revision);
    for (const [namespace, name] of projects.length === 0 ? PROJECTS : projects) {
      const [ofFlux, ofEngine] = [
        (await applied(namespace, name)).status,
        engine.kustomization(namespace, name)?.status,
      ];
      expect(sayingOf(ofEngine)).toEqual(sayingOf(ofFlux));
      expect(folderAt(namespace, name, ofEngine?.lastAppliedRevision)).toBe(
        folderAt(namespace, name, revision),
      );
    }
    for (const namespace of [ADA, BOB])
      expect(Object.fromEntries(engine.objectsIn(namespace))).toEqual(
        Object.fromEntries(
          [...objectsIn(namespace)]
            .filter(
              ([key, { metadata }]) =>
                metadata.labels?.[PROJECT] !== undefined && !key.startsWith('NetworkPolicy/'),
            )
            .filter(([, { metadata }]) => metadata.deletionTimestamp === undefined)
            .map(
              ([
                key,
                {
                  metadata: { labels = {}, annotations = {} },
                },
              ]) => [key, { labels, annotations }],
            ),
        ),
      );
  }

  /** The tree of a project's folder as of a revision. */
  const folderAt = (namespace: string, name: string, revision = ''): string => {
    const commit = /^rendered@sha1:([0-9a-f]{40})$/.exec(revision)?.[1] ?? 'none';
    return git(controller.repository, 'rev-parse', `${commit}:${folderOf(namespace, name)}`);
  };

  const project = (namespace: string, name: string) => controller.project(namespace, name);

  it('each project becomes ready at the commit of the branch', async () => {
    await until('all are rendered', () => controller.rendered(folderOf(BOB, 'wiki')));
    for (const [namespace, name] of [['flux-system', 'platform'] as const, ...PROJECTS]) {
      const { status } = await applied(namespace, name);
      expect(status?.lastAttemptedRevision).toBe(status?.lastAppliedRevision);
    }
    await expectEngineAgrees();
  });

  it.for(PROJECTS)('what is rendered for %s/%s is there as it is rendered', async ([namespace, name]) => {
    const manifests = controller.rendered(folderOf(namespace, name))?.manifests ?? '';
    const rendered = [...manifests.matchAll(/^kind: (\w+)\nmetadata:\n {2}name: (\S+)$/gm)].map(
      ([, kind, called]) => `${kind}/${called}`,
    );
    const objects = objectsIn(namespace);
    expect(rendered.length).toBeGreaterThan(6);
    expect(rendered.filter((key) => !objects.has(key))).toEqual([]);
    for (const key of rendered) {
      const { labels, managedFields } = objects.get(key)?.metadata ?? {};
      expect(labels).toMatchObject({
        'kustomize.toolkit.fluxcd.io/name': name,
        'kustomize.toolkit.fluxcd.io/namespace': namespace,
      });
      expect(managedFields?.map(({ manager, operation }) => `${manager} ${operation}`)).toEqual([
        'kustomize-controller Apply',
      ]);
    }
    // The controller compares each field, with the rights of its own account.
    const drift = await controller.drift(namespace, name);
    expect(drift.objects).toEqual([]);
    expect(drift.applied).toBe(true);
  });

  it('values arrive as they were typed: nothing is substituted, and no text becomes a number', () => {
    const wiki = server.kubectl('get', 'configmap', 'wiki--env', '-n', BOB, '-o', 'jsonpath={.data}');
    expect(JSON.parse(wiki)).toMatchObject({ DOLLARS: '${HOME} $$ $(x)' });
    const blog = server.kubectl('get', 'configmap', 'blog--env', '-n', ADA, '-o', 'jsonpath={.data}');
    expect(JSON.parse(blog)).toMatchObject({ GREETING: 'yes', A_NUMBER: '0755' });
  });

  it('applied a second time, nothing is written', async () => {
    const before = [versions(ADA), versions(BOB)];
    for (const [namespace, name] of [['flux-system', 'platform'] as const, ...PROJECTS])
      expect(readyOf(await reconcile(namespace, name))?.status).toBe('True');
    expect([versions(ADA), versions(BOB)]).toEqual(before);
  });

  it('a change of one project writes the objects of that project only', async () => {
    const [shop, blog, wiki] = [versions(ADA, 'shop'), versions(ADA, 'blog'), versions(BOB)];
    await controller.call('PUT', `/v1/tenants/${ADA}/projects/shop/environment`, {
      variables: [{ name: 'NEW', value: 'one' }],
    });
    await until('it is there', () =>
      server.kubectl('get', 'configmap', 'shop--env', '-n', ADA, '-o', 'jsonpath={.data.NEW}'),
    );
    for (const [namespace, name] of PROJECTS) await applied(namespace, name);
    expect(versions(ADA, 'shop')).not.toEqual(shop);
    expect(versions(ADA, 'blog')).toEqual(blog);
    expect(versions(BOB)).toEqual(wiki);
  });

  it('a release comes, and what it was goes again when it is taken down', async () => {
    const before = Object.keys(versions(ADA, 'blog'));
    const release = `/v1/tenants/${ADA}/projects/blog/release`;
    await controller.call('POST', release, { image: IMAGE, replicas: 2, maxReplicas: 4, database: true });
    await until('the release is there', () => objectsIn(ADA).has('Deployment/blog--release'));
    const { status } = await applied(ADA, 'blog');
    expect(status?.inventory?.entries).toContainEqual({
      id: `${ADA}_blog--release_apps_Deployment`,
      v: 'v1',
    });
    expect((await controller.drift(ADA, 'blog')).objects).toEqual([]);
    await expectEngineAgrees();
    await controller.call('DELETE', release);
    await until('the release is gone', () => !objectsIn(ADA).has('Deployment/blog--release'));
    await applied(ADA, 'blog');
    expect(Object.keys(versions(ADA, 'blog'))).toEqual(before);
    await expectEngineAgrees();
  });

  it('what somebody changes by hand is put back at the next run', async () => {
    server.kubectl('scale', 'statefulset', 'blog', '-n', ADA, '--replicas=0');
    server.kubectl('delete', 'service', 'blog', '-n', ADA);
    const patch = '[{"op":"replace","path":"/spec/componentSpecs/0/replicas","value":3}]';
    server.kubectl(
      'patch',
      'cluster',
      'blog--db',
      '-n',
      ADA,
      '--type=json',
      `--patch=${patch}`,
      '--field-manager=eve',
    );
    expect((await controller.drift(ADA, 'blog')).objects).toHaveLength(3);
    expect(readyOf(await reconcile(ADA, 'blog'))?.status).toBe('True');
    expect((await controller.drift(ADA, 'blog')).objects).toEqual([]);
  });

  it('a project that the cluster refuses is an error of its own, with what Flux says, until it can be applied', async () => {
    // Left behind by hand, under a name that a project takes later: its selector cannot be changed any more.
    const labels = { app: 'left-behind' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const left = {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'stuck', namespace: BOB },
      spec: { serviceName: 'x', replicas: 0, selector: { matchLabels: labels }, template },
    };
    server.kubectlWith(JSON.stringify(left), 'create', '-f', '-');
    await controller.create(BOB, 'stuck');
    const failed = await until('Flux says that it failed', () => {
      const now = kustomization(BOB, 'stuck');
      return readyOf(now)?.status === 'False' && now;
    });
    expect(readyOf(failed)?.message).toMatch(/^StatefulSet\/ns-fluxbobb\/stuck dry-run failed .*Forbidden/);
    expect(failed.status?.lastAppliedRevision).toBeUndefined();
    for (const [namespace, name] of [['flux-system', 'platform'] as const, ...PROJECTS])
      await applied(namespace, name);
    const shown = await until('ERROR', async () => {
      const now = await project(BOB, 'stuck');
      return now.status === 'ERROR' && now;
    });
    expect(shown.message).toMatch(/could not be applied: StatefulSet\/ns-fluxbobb\/stuck .*Forbidden/);
    server.kubectl('delete', 'statefulset', 'stuck', '-n', BOB);
    await reconcile(BOB, 'stuck');
    await applied(BOB, 'stuck');
    await until('STARTING', async () => (await project(BOB, 'stuck')).status === 'STARTING');
  });

  it('a project that an operator suspends stays as it is, says so, and goes on afterwards', async () => {
    const name = `${KUSTOMIZATIONS}/wiki`;
    const variables = (): string => server.kubectl('get', 'configmap', 'wiki--env', '-n', BOB, '-o', 'yaml');
    /** Flux would take it back at its next run of `platform`, as what kubectl wrote, if the object did not say Merge. */
    const suspend = async (value: boolean): Promise<boolean> => {
      const patch = JSON.stringify({ spec: { suspend: value, interval: '1h' } });
      server.kubectl('patch', name, '-n', BOB, '--type=merge', `--patch=${patch}`);
      await reconcile('flux-system', 'platform');
      return server.kubectl('get', name, '-n', BOB, '-o', 'jsonpath={.spec.suspend}') === 'true';
    };
    expect(await suspend(true)).toBe(true);
    const interval = server.kubectl('get', name, '-n', BOB, '-o', 'jsonpath={.spec.interval}');
    expect(interval).toBe('10m');
    await controller.call('PUT', `/v1/tenants/${BOB}/projects/wiki/environment`, { variables: [] });
    const shown = await until('it is said', async () => {
      const now = await project(BOB, 'wiki');
      return now.status === 'ERROR' && now;
    });
    expect(shown.message).toMatch(/suspended/);
    await applied('flux-system', 'platform');
    await applied(BOB, 'stuck');
    expect(variables()).toContain('DOLLARS');
    expect(await suspend(false)).toBe(false);
    await applied(BOB, 'wiki');
    expect(variables()).not.toContain('DOLLARS');
  });

  it('a deleted project keeps its volume, its database and who may reach that, and its Kustomization', async () => {
    await controller.call('DELETE', `/v1/tenants/${ADA}/projects/blog`);
    await until('the sandbox is gone', () => !objectsIn(ADA).has('StatefulSet/blog'));
    const { status } = await applied(ADA, 'blog');
    expect(Object.keys(versions(ADA, 'blog')).sort()).toEqual([
      'Cluster/blog--db',
      'NetworkPolicy/blog--db',
      'PersistentVolumeClaim/blog--workspace',
    ]);
    expect(status?.inventory?.entries).toHaveLength(2);
    await expectEngineAgrees();
  });

  it('a project that is removed for ever takes its data along, and its Kustomization', async () => {
    const shop = versions(ADA, 'shop');
    await controller.call('DELETE', `/v1/tenants/${ADA}/projects/blog?purge=now&confirm=blog`);
    await until('the Kustomization is gone', () => {
      const names = server
        .kubectl('get', KUSTOMIZATIONS, '-n', ADA, '-o', 'name')
        .split('\n')
        .filter(Boolean);
      return names.length === 1 && names[0]?.endsWith('/shop');
    });
    // The volume goes when nobody uses it any more, which a controller of Kubernetes says: there is none here.
    const left = [...objectsIn(ADA).values()].filter(({ metadata }) => metadata.labels?.[PROJECT] === 'blog');
    expect(left.map(({ kind }) => kind)).toEqual(['PersistentVolumeClaim']);
    expect(left[0]?.metadata.deletionTimestamp).toBeDefined();
    expect(versions(ADA, 'shop')).toEqual(shop);
    await expectEngineAgrees([ADA, 'shop'], [BOB, 'wiki'], [BOB, 'stuck']);
    expect(engine.kustomization(ADA, 'blog')).toBeUndefined();
  });
});
