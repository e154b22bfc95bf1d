import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

type Labels = Record<string, string>;

export interface ClusterObject {
  readonly metadata: {
    name: string;
    namespace?: string;
    labels?: Labels;
    resourceVersion?: string;
    [key: string]: unknown;
  };
  readonly [key: string]: unknown;
}

/** What the next answers to a path are instead of the real ones: a status, or `cut` for a connection that breaks. */
type Fault = number | 'cut' | { readonly status: number; readonly retryAfter: number };

interface Watcher {
  readonly path: string;
  readonly response: http.ServerResponse;
}

/**
 * A Kubernetes API server as far as list and watch go, over real HTTP: the outside world of the observer's tests.
 * Kinds it was not told about answer 404, as a server without the CRD does.
 */
export class ClusterForTests {
  readonly requests: string[] = [];
  readonly #server = http.createServer((request, response) => {
    this.#answer(request, response);
  });
  readonly #sockets = new Set<Socket>();
  readonly #kinds = new Map<string, Map<string, ClusterObject>>();
  readonly #history: { path: string; version: number; event: { type: string; object: unknown } }[] = [];
  readonly #faults = new Map<string, (Fault | undefined)[]>();
  #watchers: Watcher[] = [];
  #version = 100;
  /** Versions below this are forgotten: a watch from one is answered with 410. */
  #oldest = 0;
  #port = 0;

  async start(...kinds: string[]): Promise<void> {
    for (const path of kinds)
      this.#kinds.set(path, this.#kinds.get(path) ?? new Map<string, ClusterObject>());
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** The process is gone: every connection breaks, nobody listens. The port stays the same for the next start. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.#watchers = [];
    await closed;
  }

  async writeKubeconfig(file: string): Promise<void> {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: { server: `http://127.0.0.1:${this.#port}`, 'insecure-skip-tls-verify': true },
        },
      ],
      users: [{ name: 'u', user: { token: 'a-token' } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    };
    await writeFile(file, JSON.stringify(config));
  }

  put(path: string, object: ClusterObject): void {
    const kind = this.#kinds.get(path) ?? new Map<string, ClusterObject>();
    this.#kinds.set(path, kind);
    const id = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    const type = kind.has(id) ? 'MODIFIED' : 'ADDED';
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    kind.set(id, stored);
    this.#tell(path, { type, object: stored });
  }

  delete(path: string, namespace: string, name: string): void {
    const object = this.#kinds.get(path)?.get(`${namespace}/${name}`);
    if (object === undefined) throw new Error(`There is no ${namespace}/${name}.`);
    this.#kinds.get(path)?.delete(`${namespace}/${name}`);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    this.#tell(path, { type: 'DELETED', object: last });
  }

  /** `undefined`: this one is answered. */
  fail(path: string, ...faults: (Fault | undefined)[]): void {
    this.#faults.set(path, faults);
  }

  /** Ends the watches of a path, cleanly or by breaking the connection. */
  dropWatches(path: string, how: 'end' | 'cut'): void {
    const [dropped, kept] = [
      this.#watchers.filter((w) => w.path === path),
      this.#watchers.filter((w) => w.path !== path),
    ];
    this.#watchers = kept;
    for (const { response } of dropped) {
      if (how === 'end') response.end();
      else response.destroy();
    }
  }

  /** Compaction: what happened so far can no longer be watched from; running watches are told so. */
  forgetHistory(path: string): void {
    this.#oldest = ++this.#version;
    const expired = {
      kind: 'Status',
      status: 'Failure',
      reason: 'Expired',
      code: 410,
      message: 'too old resource version',
    };
    for (const { response } of this.#watchers.filter((watcher) => watcher.path === path))
      response.write(`${JSON.stringify({ type: 'ERROR', object: expired })}\n`);
  }

  /** What a server says from time to time to those who asked for it, so that they have a recent version. */
  bookmark(path: string): string {
    const resourceVersion = String(++this.#version);
    const event = { type: 'BOOKMARK', object: { metadata: { resourceVersion } } };
    for (const watcher of this.#watchers)
      if (watcher.path === path) watcher.response.write(`${JSON.stringify(event)}\n`);
    return resourceVersion;
  }

  watches(path: string): number {
    return this.#watchers.filter((watcher) => watcher.path === path && !watcher.response.destroyed).length;
  }

  asked(path: string, part: string): number {
    return this.requests.filter((request) => request.startsWith(path) && request.includes(part)).length;
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://cluster');
    this.requests.push(url.pathname + url.search);
    const fault = this.#faults.get(url.pathname)?.shift();
    if (fault === 'cut') response.destroy();
    else if (typeof fault === 'number') status(response, fault, 'as the test wants it');
    else if (fault !== undefined) {
      response.setHeader('Retry-After', String(fault.retryAfter));
      status(response, fault.status, 'as the test wants it');
    } else if (request.headers.authorization !== 'Bearer a-token') status(response, 401, 'Unauthorized');
    else if (url.pathname === '/version') json(response, { gitVersion: 'v1.33.0' });
    else this.#list(url, response);
  }

  #list(url: URL, response: http.ServerResponse): void {
    const object = this.#single(url.pathname);
    const objects = this.#kinds.get(url.pathname);
    if (object !== undefined) json(response, object);
    else if (objects === undefined) status(response, 404, 'the server could not find the requested resource');
    else if (url.searchParams.get('watch') === 'true') this.#watch(url, response);
    else json(response, this.#page(url, [...objects.values()].filter(selected(url))));
  }

  #single(path: string): ClusterObject | undefined {
    const [, before, namespace, after, name] =
      /^(.*)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    return this.#kinds
      .get(`${before ?? ''}/namespaces/${namespace ?? ''}/${after ?? ''}`)
      ?.get(`${namespace ?? ''}/${name ?? ''}`);
  }

  #page(url: URL, objects: readonly ClusterObject[]): unknown {
    const from = Number(url.searchParams.get('continue') ?? 0);
    const limit = Number(url.searchParams.get('limit') ?? objects.length);
    const next = from + limit < objects.length ? { continue: String(from + limit) } : {};
    return {
      kind: 'List',
      metadata: { resourceVersion: String(this.#version), ...next },
      items: objects.slice(from, from + limit),
    };
  }

  #watch(url: URL, response: http.ServerResponse): void {
    const version = Number(url.searchParams.get('resourceVersion') ?? 0);
    if (version < this.#oldest) {
      status(response, 410, 'too old resource version');
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    this.#watchers.push({ path: url.pathname, response });
    for (const past of this.#history)
      if (past.path === url.pathname && past.version > version)
        response.write(`${JSON.stringify(past.event)}\n`);
  }

  #tell(path: string, event: { type: string; object: unknown }): void {
    this.#history.push({ path, version: this.#version, event });
    for (const watcher of this.#watchers)
      if (watcher.path === path) watcher.response.write(`${JSON.stringify(event)}\n`);
  }
}

/** `key=value` of a label selector; more than that is not asked for. */
function selected(url: URL): (object: ClusterObject) => boolean {
  const [key, value] = (url.searchParams.get('labelSelector') ?? '').split('=');
  return (object) => key === undefined || key === '' || object.metadata.labels?.[key] === value;
}

function json(response: http.ServerResponse, body: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function status(response: http.ServerResponse, code: number, message: string): void {
  const body = { kind: 'Status', status: 'Failure', code, message };
  response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** Until it is so; the deadline only says how long to wait before giving up. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
