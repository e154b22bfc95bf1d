import type { IncomingMessage } from 'node:http';
import { AppError } from '@fullstackagent/controller/contract';
import { WebSocket } from 'ws';
import { errorFromProblem } from '../controller-request.js';

export interface Target {
  readonly controllerUrl: string;
  /** From the first slash on. */
  readonly path: string;
  readonly token: string;
  readonly requestId: string;
}

export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const HANDSHAKE_LIMIT_MS = 15_000;
const PROBLEM_LIMIT_BYTES = 64 * 1024;

/**
 * The controller's end of a connection, open and paused: what the sandbox says first must not be lost while the client's
 * end is made. Throws the controller's own problem, or NOT_READY.
 */
export function dial(target: Target, protocol: string): Promise<WebSocket> {
  const socket = new WebSocket(addressOf(target), [protocol], {
    headers: { Authorization: `Bearer ${target.token}`, 'X-Request-Id': target.requestId },
    handshakeTimeout: HANDSHAKE_LIMIT_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.on('unexpected-response', (_request, response) => {
      bodyOf(response).then(
        (text) => {
          reject(errorFromProblem(response.statusCode ?? 0, text));
          socket.terminate();
        },
        (error: unknown) => {
          reject(notAnswering(error));
          socket.terminate();
        },
      );
    });
    socket.on('error', (error) => {
      reject(notAnswering(error));
    });
  });
}

const addressOf = ({ controllerUrl, path }: Target): string =>
  `${controllerUrl.replace(/^http/, 'ws')}${path}`;

const notAnswering = (cause: unknown): AppError =>
  new AppError('NOT_READY', 'The platform is not answering right now. Try again in a moment.', { cause });

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > PROBLEM_LIMIT_BYTES) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
