/**
 * What a project's objects are called. A project's name has no `--`, so no project's object can be another project's
 * (a Service `blog--pods` can only belong to `blog`).
 */
export interface ObjectNames {
  /** StatefulSet, Service. */
  readonly sandbox: string;
  /** The headless Service that a StatefulSet asks for. */
  readonly pods: string;
  /** PersistentVolumeClaim: `/workspace` and the home folder. */
  readonly workspace: string;
  /** ConfigMap (plain) and SealedSecret/Secret (sealed) with the user's variables. */
  readonly env: string;
  /** SealedSecret/Secret with the terminal's token, key `TTYD_ACCESS_TOKEN`. */
  readonly terminal: string;
  /** Ingress of the app. */
  readonly appIngress: string;
  /** Ingress of the terminal. */
  readonly terminalIngress: string;
  /** KubeBlocks Cluster. */
  readonly database: string;
  /** The Secret KubeBlocks makes, keys `username` and `password` only (KubeBlocks 1.0). */
  readonly databaseAccount: string;
  /** The read-write Service KubeBlocks makes, port 5432. */
  readonly databaseService: string;
  /** Deployment, Service, Ingress or HTTPRoute, HorizontalPodAutoscaler, PodDisruptionBudget of the release. */
  readonly release: string;
  /** ConfigMap and SealedSecret/Secret with the release's variables; what they hold is appended to the name. */
  readonly releaseEnv: string;
}

export function objectNames(project: string): ObjectNames {
  const database = `${project}--db`;
  return {
    sandbox: project,
    pods: `${project}--pods`,
    workspace: `${project}--workspace`,
    env: `${project}--env`,
    terminal: `${project}--terminal`,
    appIngress: `${project}--app`,
    terminalIngress: `${project}--ttyd`,
    database,
    databaseAccount: `${database}-postgresql-account-postgres`,
    databaseService: `${database}-postgresql-postgresql`,
    release: `${project}--release`,
    releaseEnv: `${project}--release-env`,
  };
}

export const PORTS = { app: 3000, terminal: 7681, database: 5432 } as const;

/** Where the user's variables are mounted, one file each; every new shell reads them (no restart needed). */
export const ENV_DIR = '/run/fullstackagent/env';

export const MANAGED_BY = 'fullstackagent';

export const LABELS = {
  managedBy: 'app.kubernetes.io/managed-by',
  partOf: 'app.kubernetes.io/part-of',
  component: 'app.kubernetes.io/component',
  name: 'app.kubernetes.io/name',
  /** Our own, because selectors are immutable and `app.kubernetes.io/*` values may be wanted otherwise one day. */
  project: 'fullstackagent.dev/project',
  workload: 'fullstackagent.dev/workload',
} as const;

export const ANNOTATIONS = {
  /** The blob id of the document an object was rendered from. Never on a pod template: a commit must not roll a pod. */
  intent: 'fullstackagent.dev/intent',
  restartedAt: 'kubectl.kubernetes.io/restartedAt',
  databaseRestart: 'kubeblocks.io/restart',
  /** What the local engine does once for each new value. */
  backupRequested: 'fullstackagent.dev/backup-requested',
  restore: 'fullstackagent.dev/restore',
  fluxApply: 'kustomize.toolkit.fluxcd.io/ssa',
  fluxPrune: 'kustomize.toolkit.fluxcd.io/prune',
  argoSyncOptions: 'argocd.argoproj.io/sync-options',
} as const;
