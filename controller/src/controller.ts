import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { ApiDeps } from './api/deps.js';
import { createApp } from './api/app.js';
import { createMetrics } from './api/metrics.js';
import { PortalTokens } from './api/portal-tokens.js';
import { ProjectBoard } from './api/project-board.js';
import { sshUpgrades } from './api/ssh-upgrade.js';
import { terminalUpgrades } from './api/terminal-upgrade.js';
import { serveUpgrades } from './api/upgrades.js';
import { imageBuilds } from './build-images.js';
import type { Config } from './config.js';
import type { ProjectDto } from './contract/projects.js';
import { readApplication } from './deliver/argo.js';
import { readKustomization } from './deliver/flux.js';
import type { ObservedObjects } from './model/facts.js';
import type { ProjectKey } from './model/intent.js';
import { readDrift } from './observe/drift-reader.js';
import { ClusterObserver } from './observe/observer.js';
import { watchedResources, type ApplierReaders } from './observe/resources.js';
import { PurgeLoop, type ProjectHealth } from './reconcile/index.js';
import { openRepository, type OpenRepository } from './repository.js';
import { Agent } from './sandbox/agent.js';
import { DatabaseBackups } from './sandbox/database-backups.js';
import { WorkspaceClone } from './sandbox/clone.js';
import { DiskUse } from './sandbox/disk-use.js';
import { DatabaseAccess } from './sandbox/database.js';
import { SandboxFiles } from './sandbox/files.js';
import { SandboxShells } from './sandbox/shells.js';
import { machineReader } from './sandbox/machine.js';
import type { ImageBuilds } from './sandbox/image-builds.js';
import { Snapshots } from './sandbox/snapshots.js';
import { SandboxSsh } from './sandbox/ssh.js';
import { SandboxAccess } from './sandbox/sandbox-access.js';
import { KubeApi, kubeConfigSource } from './shared/kube-api.js';
import { sleep } from './shared/sleep.js';
import { isDelivered } from './status/delivery.js';
import { projectStatus } from './status/status.js';
import { wakeApplier } from './wake-applier.js';

export interface Controller {
  readonly port: number;
  /** Stops taking requests, ends streams and terminals, lets what is being written be written. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
/** How long requests under way may take to end at a shutdown. */
const DRAIN_LIMIT_MS = 5_000;

/** Puts the stages together and serves. Throws where the repository cannot be opened or the port is taken. */
export async function startController(config: Config, log: Logger): Promise<Controller> {
  // The pipeline begins before there is anything to see: until then every project is on its way.
  const seen: { board?: ProjectBoard } = {};
  const health = (key: ProjectKey): ProjectHealth => healthOf(seen.board?.project(key));
  const repository = await openRepository({ config, log, health });
  const api = new KubeApi(kubeConfigSource(config.kubeconfig));
  const observer = createObserver(api, config, log);
  const board = new ProjectBoard({
    intent: repository.intent,
    rendered: repository.rendered,
    observer,
    status: projectStatus,
    delivered: isDelivered,
    scheme: config.appsPort === undefined ? {} : { appsPort: config.appsPort },
    now: () => new Date(),
    onUnexpected: (error) => {
      log.error({ err: error }, 'status cannot be published');
    },
  });
  seen.board = board;
  const closing = new AbortController();
  const access = new SandboxAccess(api);
  const builds = imageBuilds({ sandbox: access, config, log });
  const parts = { repository, api, access, builds, board, config, log };
  const deps: ApiDeps = { ...apiDeps(parts), closing: closing.signal };
  countEvents(deps);
  const endBoard = board.start();
  const endPurging = purgeLoop({ repository, board, observer, log }).start();
  const endWaking = wakeApplier({
    config,
    rendered: repository.rendered,
    remote: repository.remote,
    log,
  });
  // The portal ends what takes too long; an upload of some gigabytes may take hours.
  const server = createServer({ requestTimeout: 0 }, createApp(deps));
  const endSockets = serveUpgrades(server, [terminalUpgrades(deps), sshUpgrades(deps)]);
  const observing = observer.run();
  await listen(server, config.port);
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      closing.abort();
      endSockets();
      endBoard();
      await builds.close();
      await endPurging();
      await endWaking();
      observer.stop();
      await Promise.all([closeServer(server), observing]);
      await repository.close();
    },
  };
}

function createObserver(api: KubeApi, config: Config, log: Logger): ClusterObserver {
  return new ClusterObserver({
    api,
    resources: watchedResources(appliersOf(config)),
    intervalMs: config.observeIntervalMs,
    now: () => new Date(),
    sleep,
    random: Math.random,
    onOutage: (error) => {
      log.warn({ err: error }, 'the cluster cannot be observed; status is stale until it can');
    },
    onRecovery: () => {
      log.info('the cluster is observed');
    },
  });
}

/** The local engine reports as Flux does; on a cluster either may be there, unless it was said which. */
function appliersOf({ cluster, delivery }: Config): ApplierReaders {
  const flux = { flux: readKustomization };
  const argocd = { argocd: readApplication };
  if (cluster === 'engine' || delivery === 'flux') return flux;
  return delivery === 'argocd' ? argocd : { ...flux, ...argocd };
}

function purgeLoop({
  repository: { intent, rendered, purges },
  board,
  observer,
  log,
}: Pick<Parts, 'repository' | 'board' | 'log'> & { observer: ClusterObserver }): PurgeLoop {
  const isGone = async (key: ProjectKey): Promise<boolean> => {
    if (observer.freshness().state !== 'fresh' || !isEmpty(observer.observed(key))) return false;
    return (await rendered.manifests(key)).files.length === 0;
  };
  return new PurgeLoop({
    intent,
    changes: purges,
    cluster: { isApplied: (key) => board.isApplied(key), isGone },
    now: () => new Date(),
    elapsed: () => performance.now(),
    log,
  });
}

/** What could hold data, or still use it. */
const isEmpty = ({ statefulSet, pods, volume, database }: ObservedObjects): boolean =>
  statefulSet === undefined && pods.length === 0 && volume === undefined && database === undefined;

const SETTLED: ReadonlySet<string> = new Set(['RUNNING', 'STOPPED', 'TERMINATED']);

/** What a roll-out makes of a project's status; one that nobody can see yet is on its way. */
function healthOf(project: ProjectDto | undefined): ProjectHealth {
  if (project?.status === 'ERROR' || project?.status === 'PARTIAL')
    return { state: 'failed', message: project.message ?? project.status };
  return { state: project !== undefined && SETTLED.has(project.status) ? 'settled' : 'moving' };
}

interface Parts {
  readonly repository: OpenRepository;
  readonly api: KubeApi;
  readonly access: SandboxAccess;
  readonly builds: ImageBuilds;
  readonly board: ProjectBoard;
  readonly config: Config;
  readonly log: Logger;
}

function apiDeps({ repository, api, access, builds, board, config, log }: Parts): Omit<ApiDeps, 'closing'> {
  const files = new SandboxFiles(access);
  return {
    ...repository,
    board,
    database: new DatabaseAccess(access, config.cluster === 'engine' ? 'endpoint' : 'service'),
    backups: new DatabaseBackups({ api, offered: config.cluster === 'engine' }),
    drift: (key, manifests) => readDrift(api, key, manifests),
    disk: new DiskUse({ api, offered: config.cluster === 'engine' }),
    files,
    shells: new SandboxShells(access),
    clone: new WorkspaceClone(access),
    agent: new Agent({ api, offered: config.cluster === 'engine' }),
    snapshots: new Snapshots({ api, files, offered: config.cluster === 'engine' }),
    builds,
    buildsOffered: config.cluster === 'kubernetes',
    ssh: new SandboxSsh(access),
    terminal: async (key, session) => {
      const [address, token] = await Promise.all([access.terminalAddress(key), access.terminalToken(key)]);
      return { address, token, session };
    },
    machine: machineReader({ api, cluster: config.cluster, runsAsRoot: process.getuid?.() === 0 }),
    tokens: new PortalTokens(config.tokenKey),
    webhookSecret: config.webhookSecret,
    metrics: createMetrics(),
    log,
  };
}

function countEvents({ board, metrics }: ApiDeps): void {
  board.subscribe((event) => {
    metrics.statusEvents.inc({ type: event.type });
  });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Connections that fall idle while the last answers go out would be kept for the next request of a client. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    const limit = setTimeout(() => {
      server.closeAllConnections();
    }, DRAIN_LIMIT_MS);
    server.close(() => {
      clearInterval(idle);
      clearTimeout(limit);
      resolve();
    });
  });
}
