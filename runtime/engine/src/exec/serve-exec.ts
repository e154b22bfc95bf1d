import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { EXEC_PROTOCOLS, exitStatus, joinExec, sendStatus, type Wanted } from './channels.js';
import { ExecError, type ExecProcess, type ExecRequest } from './types.js';

/** Nobody needs more words than that; the kernel has its own limit. */
const MAX_WORDS = 1000;
const MAX_MESSAGE = 4 * 1024 * 1024;

export type StartExec = (request: ExecRequest) => Promise<ExecProcess>;

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** `exec` over a WebSocket, as `kubectl` and the official clients speak it. */
export class ExecServer {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE,
    handleProtocols: (offered) => EXEC_PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  });

  /** True for a client that speaks a protocol of ours. */
  static speaks({ headers }: IncomingMessage): boolean {
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
    return (
      headers.upgrade?.toLowerCase() === 'websocket' && EXEC_PROTOCOLS.some((one) => offered.includes(one))
    );
  }

  serve({ request, socket, head }: Upgrade, query: URLSearchParams, start: StartExec): void {
    this.#sockets.handleUpgrade(request, socket, head, (client) => {
      void this.#run(client, query, start);
    });
  }

  close(): void {
    for (const client of this.#sockets.clients) client.terminate();
  }

  async #run(client: WebSocket, query: URLSearchParams, start: StartExec): Promise<void> {
    // What comes before the program is there would be lost.
    client.pause();
    try {
      joinExec(client, await start(requestOf(query)), wantedOf(query));
      client.resume();
    } catch (error) {
      const known = error instanceof ExecError ? error : new ExecError('The program cannot be started.', 126);
      client.resume();
      sendStatus(client, exitStatus(known.exitCode, known.message));
      client.close(1000);
    }
  }
}

const isOn = (query: URLSearchParams, name: string): boolean => ['true', '1'].includes(query.get(name) ?? '');

function requestOf(query: URLSearchParams): ExecRequest {
  const command = query.getAll('command');
  if (command.length > MAX_WORDS) throw new ExecError('The command has too many words.', 126);
  if (command.some((word) => word.includes('\0'))) throw new ExecError('A word has no NUL byte.', 126);
  return { command, tty: isOn(query, 'tty') };
}

const wantedOf = (query: URLSearchParams): Wanted => ({
  stdin: isOn(query, 'stdin'),
  stdout: isOn(query, 'stdout'),
  stderr: isOn(query, 'stderr'),
});
