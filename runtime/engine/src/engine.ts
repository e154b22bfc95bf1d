import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { agentPlaces, openAgentDesk, type AgentDesk } from './agent/index.js';
import { writeKubeconfig } from './api/kubeconfig.js';
import { ApiServer, type ApiServerOptions } from './api/server.js';
import { servingCertificate } from './api/serving-certificate.js';
import type { EngineConfig } from './config.js';
import { Applier } from './follow/applier.js';
import { LastingObjects } from './follow/lasting-objects.js';
import { RenderedBranch } from './follow/rendered-branch.js';
import { createIngress } from './ingress/index.js';
import {
  isolationNotice,
  openLimits,
  openRlimits,
  probeIsolation,
  type Isolation,
} from './isolation/index.js';
import { removeOldLogs } from './logs/index.js';
import { BackupStore, createPostgresService } from './postgres/index.js';
import { sealingKey } from './sealing/sealing-key.js';
import { SnapshotDesk } from './snapshots/snapshot-desk.js';
import { SnapshotStore } from './snapshots/snapshot-store.js';
import { DurableState } from './store/durable-state.js';
import { Store } from './store/store.js';
import type { WorkloadController } from './workloads/controller.js';
import { DeploymentPodController } from './workloads/deployment-pods.js';
import { DeploymentController } from './workloads/deployments.js';
import { DatabaseBackups } from './workloads/database-backups.js';
import { DatabaseController } from './workloads/databases.js';
import { DiskDesk } from './workloads/disk-desk.js';
import { DiskPressure } from './workloads/disk-pressure.js';
import { EndpointController } from './workloads/endpoints.js';
import { EventRecorder } from './workloads/events.js';
import { IngressLookup } from './workloads/ingress-lookup.js';
import { registerNode } from './workloads/node.js';
import { PodController } from './workloads/pods.js';
import { PortAllocator } from './workloads/ports.js';
import { endProcesses, MARKERS, processesWith } from './workloads/processes.js';
import { SealedSecretController } from './workloads/sealed-secrets.js';
import { OlderEndpoints } from './workloads/older-endpoints.js';
import { NotActedOn } from './workloads/not-acted-on.js';
import { StatefulSetController } from './workloads/statefulsets.js';
import { unsealer } from './workloads/unseal.js';
import { finishVolumeRemovals, VolumeController } from './workloads/volumes.js';

const LEFTOVER_GRACE_MS = 2000;

interface Releases {
  readonly pods: DeploymentPodController;
  readonly desk: SnapshotDesk;
}

interface ReleaseParts {
  readonly store: Store;
  readonly ports: PortAllocator;
  readonly events: EventRecorder;
  readonly engineId: string;
  readonly isolation: Isolation;
}

interface Served {
  readonly store: Store;
  readonly hosts: IngressLookup;
  readonly pods: PodController;
  readonly releases: Releases;
  readonly agent: AgentDesk;
  readonly token: string;
  readonly isolation: Isolation;
  readonly disk: DiskDesk;
}

/** Everything of a local engine, put together. `start` resolves when it serves. */
export class Engine {
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #now = (): Date => new Date();

  constructor(
    private readonly config: EngineConfig,
    private readonly log: Logger,
  ) {}

  /** Answers what whoever starts it should know. */
  async start(): Promise<string> {
    const { config, log } = this;
    await mkdir(config.home, { recursive: true, mode: 0o700 });
    const state = await DurableState.open(join(config.home, 'state.json'), () => ({
      engineId: randomUUID(),
      token: randomBytes(32).toString('hex'),
      ports: {},
      passwords: {},
    }));
    const postgres = createPostgresService({ root: join(config.home, 'postgres'), log });
    // First: what is left of another life is in the control groups that are made anew.
    await this.#endLeftovers(state.value.engineId);
    const isolation = await this.#isolation(state.value.engineId);
    const [key, kept] = await Promise.all([
      sealingKey(join(config.home, 'sealing'), this.#now),
      BackupStore.open(join(config.home, 'backups'), this.#now),
      postgres.prepareTemplate(),
      finishVolumeRemovals(join(config.home, 'volumes'), log),
      removeOldLogs(join(config.home, 'logs'), this.#now()),
    ]);
    const version = await postgres.version();
    const store = new Store({ now: this.#now });
    const events = new EventRecorder(store, this.#now);
    const ports = new PortAllocator(state);
    const hosts = new IngressLookup(store);
    const pods = new PodController({
      ...{ store, ports, events, isolation, log },
      now: this.#now,
      engineId: state.value.engineId,
      home: config.home,
      scripts: config.scripts,
      path: config.sandboxPath,
      agent: agentPlaces(config.home),
    });
    const parts = { store, state, postgres, events, log };
    const backups = new DatabaseBackups({ ...parts, backups: kept, now: this.#now });
    const engineId = state.value.engineId;
    // Before the first pod: each sees its folder.
    const agent = await this.#agent(engineId, isolation);
    const releases = await this.#releases({ store, ports, events, engineId, isolation });
    this.#run(store, [
      new VolumeController(store, join(config.home, 'volumes'), log),
      new SealedSecretController(store, unsealer(key), log),
      new StatefulSetController(store, log),
      new DatabaseController({ ...parts, ports, version, backups }),
      new EndpointController(store, ports, log),
      new OlderEndpoints(store, log),
      pods,
      new DeploymentController(store, log),
      releases.pods,
      releases.desk,
      new NotActedOn(store),
    ]);
    await registerNode(store, { isolation, postgresql: version });
    await this.#watchDisk(store, events);
    const disk = new DiskDesk({ home: config.home, postgres });
    const token = state.value.token;
    await this.#serve({ store, hosts, pods, releases, agent, token, isolation, disk });
    await this.#follow(store);
    return isolationNotice(isolation);
  }

  /** Stops what was started, the latest first. */
  async stop(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse())
      await close().catch((error: unknown) => {
        this.log.error({ err: error }, 'something did not stop');
      });
  }

  async #isolation(engineId: string): Promise<Isolation> {
    const { config, log } = this;
    const path = config.sandboxPath;
    const markers = { [MARKERS.engine]: engineId };
    const found: Isolation =
      config.isolation === 'none'
        ? { kind: 'none', reason: 'SANDBOX_ISOLATION=none asks for it.' }
        : await probeIsolation({ path, log, markers, ownNetwork: config.isolation !== 'shared-network' });
    const limits = process.getuid?.() === 0 ? await openLimits(engineId) : undefined;
    if (limits !== undefined) this.#closers.push(() => limits.close());
    const ownUsers = found.kind === 'bubblewrap' && found.asRoot;
    const rlimits = await openRlimits({ path, ownUsers, limited: limits?.enforced ?? new Set() });
    log.info({ isolation: found.kind }, 'how sandboxes are kept apart');
    return { ...found, limits, rlimits };
  }

  /** What an earlier life left running when it was killed: ended before anything is started, so nothing runs twice. */
  async #endLeftovers(engineId: string): Promise<void> {
    await endProcesses(() => processesWith(MARKERS.engine, engineId), LEFTOVER_GRACE_MS);
    await rm(join(this.config.home, 'pods'), { recursive: true, force: true });
  }

  async #watchDisk(store: Store, events: EventRecorder): Promise<void> {
    const disk = new DiskPressure({
      ...{ store, events, home: this.config.home, now: this.#now, log: this.log },
    });
    await disk.start();
    this.#closers.push(() => disk.close());
  }

  #run(store: Store, controllers: readonly WorkloadController[]): void {
    for (const controller of controllers)
      store.onChange((change) => {
        controller.onChange(change);
      });
    // All at once: sandboxes and databases take their time to end.
    this.#closers.push(async () => {
      await Promise.all(controllers.map((controller) => controller.close()));
    });
  }

  async #releases({ store, ports, events, engineId, isolation }: ReleaseParts): Promise<Releases> {
    const { config, log } = this;
    const { home } = config;
    const snapshots = await SnapshotStore.open(join(home, 'snapshots'));
    const shared = { store, snapshots, home, log };
    const rest = { ports, events, engineId, now: this.#now, path: config.sandboxPath, isolation };
    return {
      pods: new DeploymentPodController({ ...shared, ...rest, scripts: config.scripts }),
      desk: new SnapshotDesk(shared),
    };
  }

  async #agent(engineId: string, isolation: Isolation): Promise<AgentDesk> {
    const { home, pinnedTools, sandboxPath: path } = this.config;
    const marker = `${MARKERS.engine}=${engineId}`;
    const desk = await openAgentDesk({
      ...{ home, pinnedTools, path, isolation, marker },
      now: this.#now,
      log: this.log,
    });
    this.#closers.push(() => desk.close());
    return desk;
  }

  async #serve({ store, hosts, pods, releases, agent, token, isolation, disk }: Served): Promise<void> {
    const { config, log } = this;
    const relayed = isolation.kind === 'bubblewrap' && isolation.network.own;
    const ingress = createIngress({ lookup: (host) => hosts.find(host), relayed, log });
    await ingress.listen(config.ingressPort);
    this.#closers.push(() => ingress.close());
    const tls = await servingCertificate();
    const exec: ApiServerOptions['exec'] = (pod, request) => pods.exec(pod, request);
    const api = new ApiServer({
      store,
      token,
      tls,
      exec,
      agent,
      snapshot: (pod, body) => releases.desk.take(pod, body),
      usage: (object) => disk.of(object),
      containerLog: (pod) => releases.pods.log(pod),
      log,
    });
    const port = await api.listen(config.apiPort);
    this.#closers.push(() => api.close());
    await writeKubeconfig(config.home, { port, token, certificate: tls.certificate });
  }

  async #follow(store: Store): Promise<void> {
    const branch = new RenderedBranch(this.config.repository);
    const lasting = await LastingObjects.open(join(this.config.home, 'applied'));
    const applier = new Applier({ branch, store, lasting, now: this.#now, log: this.log });
    applier.start();
    this.#closers.push(() => applier.stop());
  }
}
