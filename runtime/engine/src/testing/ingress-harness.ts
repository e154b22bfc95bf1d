import {
  createServer,
  request as httpRequest,
  type Agent,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pino } from 'pino';
import { createIngress, type Ingress, type IngressTarget } from '../ingress/index.js';

/** Of the one app that tests speak of. */
export const HOST = 'k3x9q2mvt7ab.localhost';

export interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Readable;
  readonly agent?: Agent;
}

/** An ingress that listens, with apps behind it; asked as browsers do, and as they never would. */
export class TestIngress {
  /** What it finds, by host. */
  readonly targets = new Map<string, IngressTarget>();
  /** They are closed with it. */
  readonly servers: Server[] = [];
  readonly #ingress: Ingress = createIngress({
    lookup: (host) => this.targets.get(host),
    log: pino({ level: 'silent' }),
  });

  private constructor() {
    // Nothing listens yet: `start`.
  }

  static async start(): Promise<TestIngress> {
    const test = new TestIngress();
    await test.#ingress.listen(0);
    return test;
  }

  get port(): number {
    return this.#ingress.port();
  }

  async close(): Promise<void> {
    await this.#ingress.close();
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
  }

  /** A server at a port of its own; answers that. */
  async serve(listener: RequestListener): Promise<number> {
    const server = createServer(listener);
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** A server that {@link HOST} leads to. */
  async app(listener: RequestListener): Promise<Server> {
    this.targets.set(HOST, { state: 'ready', port: await this.serve(listener) });
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error('There is no server.');
    return server;
  }

  ask(asked: Asked = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        {
          host: '127.0.0.1',
          port: this.port,
          path: asked.path ?? '/',
          method: asked.method ?? 'GET',
          headers: { host: `${HOST}:${this.port}`, ...asked.headers },
          agent: asked.agent ?? false,
        },
        resolve,
      );
      outgoing.on('error', reject);
      if (asked.body === undefined) outgoing.end();
      else pipeline(asked.body, outgoing).catch(reject);
    });
  }

  async header(name: string, asked: Asked = {}): Promise<string | string[] | undefined> {
    const answer = await this.ask(asked);
    answer.resume();
    return answer.headers[name];
  }

  /** Sends bytes as they are and answers everything that comes back until the connection ends. */
  async raw(bytes: string | Buffer): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.write(bytes);
    socket.on('error', () => undefined);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => socket.once('close', resolve));
    return Buffer.concat(chunks).toString('latin1');
  }
}
