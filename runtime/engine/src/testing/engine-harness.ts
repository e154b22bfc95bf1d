import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { WebSocket } from 'ws';
import { searchPath, type EngineConfig } from '../config.js';
import { Engine } from '../engine.js';
import { pollUntil } from '../files/polling.js';
import { at, list, number, text } from '../store/object.js';
import { scriptsIn } from '../workloads/scripts.js';
import { freePort } from './free-port.js';
import { NAMESPACE } from './manifests.js';
import { RenderedRepository } from './rendered-repository.js';
import { nextMessage, spawnTypeScript } from './typescript-process.js';

const runtime = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const scripts = scriptsIn(runtime);

export const POD = `/api/v1/namespaces/${NAMESPACE}/pods/blog-0`;
export const CLAIM = `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`;
export const CLUSTER = `/apis/apps.kubeblocks.io/v1/namespaces/${NAMESPACE}/clusters/blog--db`;
export const KUSTOMIZATION = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${NAMESPACE}/kustomizations/blog`;

/** Reached only by what does not come: a machine that does other work takes seconds for what is instant here. */
const DEADLINE_MS = 45_000;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export async function until<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const found = await pollUntil(ask, { everyMs: 30, deadlineMs });
  if (found === undefined) throw new Error(`It never came to this: ${what}`);
  return found;
}

export const isReady = (object: unknown): boolean =>
  list(object, 'status', 'conditions').some(
    (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
  );

/** A shell in the sandbox: what it prints, and a way to type. */
export class TestShell {
  #output = '';

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      if (data[0] === 0x30) this.#output += data.subarray(1).toString('utf8');
    });
  }

  type(line: string): void {
    this.socket.send(Buffer.from(`0${line}\r`));
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.socket.send(Buffer.from('0\u0003'));
  }

  async waitFor(pattern: RegExp): Promise<string> {
    const found = await pollUntil(() => (pattern.test(this.#output) ? this.#output : undefined), {
      everyMs: 20,
      deadlineMs: DEADLINE_MS,
    });
    if (found === undefined) throw new Error(`${pattern.source} never came; there was: ${this.#output}`);
    return found;
  }
}

/** An engine in this process with a home folder and a repository of its own; its API is used as a client uses it. */
export class TestEngine {
  #engine: Engine | undefined;
  readonly #sockets: WebSocket[] = [];
  #seenBy: ChildProcess | undefined;
  ingressPort = 0;

  private constructor(
    readonly home: string,
    readonly repository: RenderedRepository,
    private readonly chosen: Pick<EngineConfig, 'isolation' | 'pinnedTools'>,
  ) {}

  static async create(
    isolation: EngineConfig['isolation'] = 'none',
    pinnedTools = join(runtime, 'tools'),
  ): Promise<TestEngine> {
    const home = await mkdtemp(join(tmpdir(), 'fsa-engine-'));
    return new TestEngine(home, await RenderedRepository.create(), { isolation, pinnedTools });
  }

  async config(): Promise<EngineConfig> {
    return {
      home: this.home,
      apiPort: await freePort(),
      ingressPort: this.ingressPort,
      repository: this.repository.path,
      ...this.chosen,
      logLevel: 'silent',
      scripts,
      sandboxPath: [dirname(process.execPath), searchPath()].join(delimiter),
    };
  }

  async start(): Promise<void> {
    this.ingressPort = await freePort();
    this.#engine = new Engine(await this.config(), pino({ level: 'silent' }));
    await this.#engine.start();
  }

  /** Runs it in another process, which can be killed. */
  startApart(): Promise<ChildProcess> {
    return this.#startAfter([]);
  }

  /** As root: that, with a home folder on a small disk of its own, in a mount namespace. It goes with the process. */
  async startOnSmallDisk(size: string): Promise<ChildProcess> {
    const script = 'mount -t tmpfs -o mode=711,size="$1" tmpfs "$2"; shift 2; exec "$@"';
    const inNamespace = ['unshare', '--mount', '--propagation', 'private', '--'];
    return (this.#seenBy = await this.#startAfter([
      ...[...inNamespace, 'sh', '-ec', script, 'sh', size, this.home],
    ]));
  }

  async #startAfter(after: readonly string[]): Promise<ChildProcess> {
    this.ingressPort = await freePort();
    const file = new URL('./run-engine.ts', import.meta.url);
    const child = spawnTypeScript(file, [JSON.stringify(await this.config())], { after });
    await nextMessage(child);
    return child;
  }

  /** The home folder as the engine sees it. */
  get seenHome(): string {
    return this.#seenBy === undefined ? this.home : `/proc/${this.#seenBy.pid ?? 0}/root${this.home}`;
  }

  async stop(): Promise<void> {
    await this.#engine?.stop();
    this.#engine = undefined;
  }

  async remove(): Promise<void> {
    for (const socket of this.#sockets.splice(0)) socket.terminate();
    await this.stop();
    await this.repository.remove();
    await rm(this.home, { recursive: true, force: true });
  }

  /** One request with what the kubeconfig says, as a Kubernetes client would make it. */
  async kube(
    path: string,
    init: { method?: string; token?: string; host?: string; body?: unknown } = {},
  ): Promise<Answer> {
    const config = new KubeConfig();
    config.loadFromFile(join(this.seenHome, 'kubeconfig'));
    const { server = '', caData = '' } = config.getCurrentCluster() ?? {};
    const token = init.token ?? config.getCurrentUser()?.token ?? '';
    return new Promise((resolve, reject) => {
      const request = https.request(
        `${server}${path}`,
        {
          method: init.method ?? 'GET',
          ca: Buffer.from(caData, 'base64'),
          // The certificate is for the address, whatever the Host header says.
          servername: '',
          checkServerIdentity: () => undefined,
          headers: {
            authorization: `Bearer ${token}`,
            ...(init.host === undefined ? {} : { host: init.host }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => {
            const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
            resolve({ status: response.statusCode ?? 0, body });
          });
        },
      );
      request.on('error', reject);
      request.end(init.body === undefined ? undefined : JSON.stringify(init.body));
    });
  }

  readyPod(): Promise<unknown> {
    return until(async () => {
      const { body } = await this.kube(POD);
      return isReady(body) && at(body, 'metadata', 'deletionTimestamp') === undefined ? body : undefined;
    }, 'a ready pod');
  }

  databasePhase(phase: string): Promise<unknown> {
    return until(async () => {
      const { body } = await this.kube(CLUSTER);
      return text(body, 'status', 'phase') === phase ? body : undefined;
    }, `a database that is ${phase}`);
  }

  gone(path: string): Promise<unknown> {
    return until(async () => ((await this.kube(path)).status === 404 ? true : undefined), `no ${path}`);
  }

  applied(commit: string): Promise<unknown> {
    return until(async () => {
      const { body } = await this.kube(KUSTOMIZATION);
      return text(body, 'status', 'lastAppliedRevision') === `rendered@sha1:${commit}` ? body : undefined;
    }, 'the commit is applied');
  }

  /** Port of this machine where a Service answers; 0 while it has none. */
  async portOf(service: string, name: string): Promise<number> {
    const { body } = await this.kube(
      `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices/${service}`,
    );
    const entry = list(body, 'ports').find((port) => text(port, 'name') === name);
    return number(entry, 'port') ?? 0;
  }

  async shell(session = 'main', project = 'blog'): Promise<TestShell> {
    const credential = Buffer.from(`user:${project}-token`).toString('base64');
    const url = `ws://127.0.0.1:${await this.portOf(project, 'ttyd')}/ws?arg=${session}`;
    const socket = new WebSocket(url, 'tty', { headers: { authorization: `Basic ${credential}` } });
    this.#sockets.push(socket);
    const shell = new TestShell(socket);
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.send(Buffer.from(JSON.stringify({ AuthToken: credential, columns: 200, rows: 30 })));
    return shell;
  }
}
