import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { applyAs } from './installed.js';
import type { ApiServer } from './api-server.js';
import type { ControllerProcess } from './controller.js';
import type { GitGateway } from './git-gateway.js';
import { Programs } from './programs.js';

/** Flux 2.7. */
const VERSION = '1.7.3';
const built = (name: string): string =>
  join(ROOT, 'node_modules', '.cache', 'real-cluster', `${name}-${VERSION}`);
const CONTROLLERS = ['source-controller', 'kustomize-controller'] as const;

/** Why Flux cannot be started on this machine; undefined where it can. */
export function missingForFlux(): string | undefined {
  const missing = CONTROLLERS.find((name) => !existsSync(built(name)));
  return missing && `needs ${missing} ${VERSION}: test/real-cluster/build-flux.sh builds it`;
}

/** The rights that `flux install` gives: kustomize-controller may do anything, source-controller what it needs. */
const ACCESS = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    ...CONTROLLERS.map((name) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'flux-system' },
    })),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'crd-controller-flux-system' },
      rules: [
        { apiGroups: ['source.toolkit.fluxcd.io'], resources: ['*'], verbs: ['*'] },
        { apiGroups: ['kustomize.toolkit.fluxcd.io'], resources: ['*'], verbs: ['*'] },
        {
          apiGroups: [''],
          resources: ['namespaces', 'secrets', 'configmaps', 'serviceaccounts'],
          verbs: ['get', 'list', 'watch'],
        },
        { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
      ],
    },
    binding('crd-controller-flux-system', 'crd-controller-flux-system', 'source-controller'),
    binding('cluster-reconciler-flux-system', 'cluster-admin', 'kustomize-controller'),
  ],
});

function binding(name: string, role: string, account: string): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: 'flux-system' }],
  };
}

/** Flux's source-controller (git) and kustomize-controller as processes, each with the rights of its own account. */
export class Flux {
  readonly #folder = temporaryFolder('flux');
  readonly #programs = new Programs(this.#folder);

  async start(server: ApiServer): Promise<void> {
    // Its own kinds, and not those of the newer Flux in ../shared/crds.
    const crds = built('flux-crds');
    server.kubectl('apply', '--server-side', '--force-conflicts', '-f', crds);
    server.kubectl('wait', '--for=condition=Established', '--timeout=60s', '-f', crds);
    applyAs(server, 'flux', ACCESS);
    const address = `127.0.0.1:${await freePort()}`;
    const storage = join(this.#folder, 'storage');
    mkdirSync(storage);
    const served = ['path', 'addr', 'adv-addr'].map((name) => `--storage-${name}=`);
    this.#run(server, 'source-controller', [
      `${served[0]}${storage}`,
      ...served.slice(1).map((f) => f + address),
    ]);
    this.#run(server, 'kustomize-controller', ['--metrics-addr=0', '--health-addr=0']);
  }

  /** Follows the branch that the controller renders: what docs/kubernetes.md says under "With Flux". */
  async follow(server: ApiServer, controller: ControllerProcess, gateway: GitGateway): Promise<void> {
    const password = controller.write('read-token', gateway.password);
    const secret = ['--from-literal=username=flux', `--from-file=password=${password}`];
    server.kubectl('-n', 'flux-system', 'create', 'secret', 'generic', 'gitops-read', ...secret);
    const sync = readFileSync(join(ROOT, 'gitops-template', 'flux', 'sync.yaml'), 'utf8');
    applyAs(server, 'kubectl', sync.replaceAll('https://git.example.com/org/gitops.git', gateway.url));
    await this.start(server);
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    removeFolder(this.#folder);
  }

  /** The end of what both have logged, for the message of a test that fails. */
  log(): string {
    return this.#programs.log();
  }

  #run(server: ApiServer, name: string, flags: readonly string[]): void {
    const temporary = join(this.#folder, name);
    mkdirSync(temporary);
    const env = {
      PATH: process.env['PATH'],
      HOME: this.#folder,
      TMPDIR: temporary,
      KUBECONFIG: server.kubeconfigOf('flux-system', name),
      RUNTIME_NAMESPACE: 'flux-system',
    };
    this.#programs.start(built(name), flags, { cwd: temporary, env });
  }
}
