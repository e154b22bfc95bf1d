import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { IPty } from '@lydell/node-pty';
import type { Logger } from 'pino';
import { WebSocketServer, type WebSocket } from 'ws';
import { PAGE_POLICY, pageFile } from './page.js';
import { decode, output, preferences, title, type Size } from './protocol.js';
import { Session, type Viewer } from './session.js';

export interface TerminalServerOptions {
  /** Password of user `user`. */
  readonly token: string;
  readonly title: string;
  /** Starts the shell of a session. */
  readonly spawn: (size: Size, session: string) => IPty;
  readonly log: Pick<Logger, 'error'>;
}

const SESSION_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_SESSIONS = 64;
/** As in the controller and the portal: what passed those is not refused here. */
const MAX_FRAME = 4 * 1024 * 1024;
/** What may wait for one viewer before the program has to. */
const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 128 * 1024;
const RELEASE_CHECK_MS = 20;
const PING_MS = 20_000;

/**
 * A sandbox's terminal, in ttyd's protocol and with ttyd's authentication, so that whatever speaks to a real ttyd
 * speaks to this one. Unlike ttyd it keeps a session when its last viewer leaves.
 */
export class TerminalServer {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME,
    handleProtocols: (offered) => (offered.has('tty') ? 'tty' : false),
  });
  readonly #sessions = new Map<string, Session>();
  readonly #credential: string;
  #ending = false;

  constructor(private readonly options: TerminalServerOptions) {
    this.#credential = Buffer.from(`user:${options.token}`, 'utf8').toString('base64');
    this.#server = createServer((request, response) => {
      this.#answer(request, response);
    });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#upgrade(request, socket, head);
    });
  }

  /** 127.0.0.1 only. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** Process ids of the shells, which lead their own sessions. */
  shells(): readonly number[] {
    return [...this.#sessions.values()].map(({ pid }) => pid);
  }

  /** Nobody comes in any more: a shell that starts now would only end with the sandbox. */
  hangUp(): void {
    this.#ending = true;
    for (const session of this.#sessions.values()) session.hangUp();
  }

  close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.close(1001, 'The sandbox is stopping.');
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
    this.#server.closeAllConnections();
    // Upgraded connections are no longer the server's; whoever does not answer the close frame is cut off.
    const cut = setTimeout(() => {
      for (const socket of this.#sockets.clients) socket.terminate();
    }, 500);
    return closed.finally(() => {
      clearTimeout(cut);
      for (const socket of this.#sockets.clients) socket.terminate();
    });
  }

  #authorized(request: IncomingMessage): boolean {
    const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ');
    return scheme?.toLowerCase() === 'basic' && sameText(value, this.#credential);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!this.#authorized(request)) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="ttyd"', 'Content-Length': 0 }).end();
      return;
    }
    const pathname = urlOf(request)?.pathname;
    const answer = (status: number, type: string, body: string | Buffer): void => {
      response
        .writeHead(status, {
          'Content-Type': `${type};charset=utf-8`,
          'Cache-Control': 'no-store',
          'Content-Security-Policy': PAGE_POLICY,
          'X-Content-Type-Options': 'nosniff',
          'Referrer-Policy': 'no-referrer',
        })
        .end(body);
    };
    const file = pathname === undefined ? undefined : pageFile(pathname, this.options.title);
    if (pathname === '/token') answer(200, 'application/json', JSON.stringify({ token: this.#credential }));
    else if (file !== undefined) answer(200, file.type, file.body);
    else answer(404, 'text/plain', 'Not found.\n');
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on('error', () => socket.destroy());
    const url = urlOf(request);
    const id = url?.searchParams.get('arg') ?? 'main';
    if (!this.#authorized(request)) refuse('401 Unauthorized');
    else if (this.#ending) refuse('503 Service Unavailable');
    else if (url?.pathname !== '/ws') refuse('404 Not Found');
    else if (!SESSION_ID.test(id)) refuse('400 Bad Request');
    else
      this.#sockets.handleUpgrade(request, socket, head, (client) => {
        this.#serve(client, id);
      });
  }

  #serve(client: WebSocket, id: string): void {
    let session: Session | undefined;
    const viewer = viewerOf(client, () => session);
    let alive = true;
    const ping = setInterval(() => {
      // A paused connection is not read, so its answers cannot be seen.
      if (!alive && !client.isPaused) client.terminate();
      alive = false;
      client.ping();
    }, PING_MS);
    client.on('pong', () => {
      alive = true;
    });
    client.on('error', () => client.terminate());
    client.on('close', () => {
      clearInterval(ping);
      session?.detach(viewer);
    });
    const typist: Typist = { viewer, client };
    client.on('message', (data: Buffer) => {
      const message = decode(data);
      if (session !== undefined) {
        receive(session, typist, message);
        return;
      }
      if (message?.type !== 'open' || !sameText(message.authToken, this.#credential)) {
        client.close(1008, 'The terminal did not accept the credential.');
        return;
      }
      session = this.#open(client, id, message.size);
      session?.attach(viewer, message.size);
    });
  }

  #open(client: WebSocket, id: string, size: Size | undefined): Session | undefined {
    const known = this.#sessions.get(id);
    if (this.#ending) {
      client.close(1001, 'The sandbox is stopping.');
      return undefined;
    }
    if (known === undefined && this.#sessions.size >= MAX_SESSIONS) {
      client.close(1013, `There are ${MAX_SESSIONS} sessions open already: close one first.`);
      return undefined;
    }
    try {
      const session = known ?? this.#start(id, size);
      client.send(title(this.options.title));
      client.send(preferences({}));
      return session;
    } catch (error) {
      // A machine without processes or terminals left: one shell less, and not an engine that ends.
      this.options.log.error({ err: error }, 'a shell could not be started');
      client.close(1011, 'The machine could not start a shell.');
      return undefined;
    }
  }

  #start(id: string, size: Size = { columns: 80, rows: 24 }): Session {
    const session = new Session(this.options.spawn(size, id), () => {
      if (this.#sessions.get(id) === session) this.#sessions.delete(id);
    });
    this.#sessions.set(id, session);
    return session;
  }
}

/** Undefined for what cannot be read: anybody on this machine may send anything. */
function urlOf(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '/', 'http://terminal');
  } catch {
    return undefined;
  }
}

interface Typist {
  readonly viewer: Viewer;
  readonly client: WebSocket;
}

function receive(session: Session, typist: Typist, message: ReturnType<typeof decode>): void {
  const { viewer } = typist;
  switch (message?.type) {
    case 'input': {
      if (!session.write(message.data)) waitForProgram(session, typist);
      return;
    }
    case 'resize': {
      session.resize(message.size);
      return;
    }
    case 'pause': {
      session.hold(viewer);
      return;
    }
    case 'resume': {
      session.release(viewer);
      return;
    }
    case 'open':
    case undefined:
      return;
  }
}

/** The program does not read: neither do we, so that what is typed waits where it is typed. */
function waitForProgram(session: Session, { viewer, client }: Typist): void {
  if (client.isPaused || client.readyState !== client.OPEN) return;
  client.pause();
  // Its word to go on would not be read any more, and the program might wait for that before it reads.
  session.release(viewer);
  const checking = setInterval(() => {
    if (client.readyState === client.OPEN && !session.takesInput()) return;
    clearInterval(checking);
    client.resume();
  }, RELEASE_CHECK_MS);
}

function viewerOf(client: WebSocket, session: () => Session | undefined): Viewer {
  let checking: NodeJS.Timeout | undefined;
  const viewer: Viewer = {
    send(data) {
      if (client.readyState !== client.OPEN) return true;
      client.send(output(data));
      if (client.bufferedAmount < HIGH_WATER) return true;
      checking ??= setInterval(() => {
        if (client.readyState === client.OPEN && client.bufferedAmount > LOW_WATER) return;
        clearInterval(checking);
        checking = undefined;
        session()?.release(viewer);
      }, RELEASE_CHECK_MS);
      return false;
    },
    ended(exitCode) {
      // Paused, it would never read the peer's closing frame.
      client.resume();
      client.close(exitCode === 0 ? 1000 : 4000, `The shell ended with exit code ${exitCode}.`);
    },
  };
  return viewer;
}

/** In constant time, whatever the lengths. */
function sameText(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
