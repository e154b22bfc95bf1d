import { terminalCloseCodes } from '@fullstackagent/controller/contract';
import { WebSocket, type RawData } from 'ws';

/** Above the first a sender is paused, below the second it goes on. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
const PING_INTERVAL_MS = 20_000;
/** Pings without an answer before a connection counts as dead. */
const MISSED_PINGS = 3;

/** Close codes that a peer may send (RFC 6455, 7.4); others would throw. */
const sendable = (code: number): boolean =>
  (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);

/** Joins a client's WebSocket with the controller's: messages, pings and close codes go both ways, until both are closed. */
export function join(client: WebSocket, controller: WebSocket, onEnd: () => void): void {
  const stopPinging = keepAlive([client, controller]);
  for (const socket of [client, controller]) socket.on('error', () => socket.terminate());
  const lost = (): void => {
    closeWith(client, terminalCloseCodes.lost, 'The connection to the platform was lost.');
  };
  controller.once('close', (code, reason) => {
    stopPinging();
    if (sendable(code)) closeWith(client, code, reason);
    else if (code === 1005) closeWith(client);
    else lost();
  });
  client.once('close', (code, reason) => {
    stopPinging();
    onEnd();
    if (sendable(code)) closeWith(controller, code, reason);
    else closeWith(controller);
  });
  pump(client, controller);
  pump(controller, client);
  // It may have ended while the client's end was made.
  if (controller.readyState !== WebSocket.OPEN) lost();
  else controller.resume();
}

export function closeWith(socket: WebSocket, code?: number, reason?: string | Buffer): void {
  // Paused, it would never read the peer's closing frame.
  if (socket.isPaused) socket.resume();
  socket.close(code, reason);
}

/** Passes messages on as they are; a receiver that does not keep up stops the sender, not the process's memory. */
function pump(from: WebSocket, to: WebSocket): void {
  from.on('message', (data: RawData, isBinary: boolean) => {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(Array.isArray(data) ? Buffer.concat(data) : data, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < LOW_WATER_BYTES) from.resume();
    });
    if (to.bufferedAmount > HIGH_WATER_BYTES) from.pause();
  });
}

function keepAlive(sockets: readonly WebSocket[]): () => void {
  const missed = new Map(sockets.map((socket) => [socket, 0]));
  for (const socket of sockets) socket.on('pong', () => missed.set(socket, 0));
  const timer = setInterval(() => {
    for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) ping(socket, missed);
  }, PING_INTERVAL_MS);
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
