import { WebSocket } from 'ws';
import { terminalCloseCodes } from '../contract/terminal.js';

/** Pings without an answer before a connection counts as dead. */
const MISSED_PINGS = 3;

export interface KeptAlive {
  readonly pingIntervalMs: number;
  /** Asked at every ping: a person who was removed loses what is open too. */
  readonly stillAllowed: () => boolean;
  /** What the person is told then. */
  readonly notAllowedWords: string;
}

/**
 * Finds out that a connection is dead, and that a person is no longer allowed; the first of the sockets is theirs.
 * Answers what stops it.
 */
export function keepAlive(sockets: readonly WebSocket[], options: KeptAlive): () => void {
  const missed = new Map(sockets.map((socket) => [socket, 0]));
  for (const socket of sockets) socket.on('pong', () => missed.set(socket, 0));
  const timer = setInterval(() => {
    const [client] = sockets;
    if (client !== undefined && !options.stillAllowed())
      closeWith(client, terminalCloseCodes.notAllowed, options.notAllowedWords);
    for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) ping(socket, missed);
  }, options.pingIntervalMs);
  return () => {
    clearInterval(timer);
  };
}

function ping(socket: WebSocket, missed: Map<WebSocket, number>): void {
  const count = missed.get(socket) ?? 0;
  // A paused socket is not read, so its answers cannot be seen.
  if (count >= MISSED_PINGS && !socket.isPaused) {
    socket.terminate();
    return;
  }
  missed.set(socket, count + 1);
  socket.ping();
}

/** Resolves with how a connection ended; never rejects. */
export function endOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => {
      resolve({ code, reason: reason.toString('utf8') });
    });
  });
}

/** Close codes that a peer may send (RFC 6455, 7.4); others would throw. */
const sendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);

export function closeWith(socket: WebSocket, code: number, reason: string): void {
  // Paused, it would never read the peer's closing frame.
  if (socket.isPaused) socket.resume();
  const bytes = Buffer.from(reason, 'utf8').subarray(0, 123);
  // Cut on a whole character: a close reason is UTF-8.
  const text = new TextDecoder('utf-8').decode(bytes).replace(/\ufffd+$/, '');
  if (sendable(code)) socket.close(code, text);
  else socket.close();
}
