import type { IncomingMessage } from 'node:http';

/** How long a client that was refused may go on sending, so that it reads why. */
const LINGER_MS = 10_000;

/** Closed at once, a connection takes the answer with it before a client that still sends has read it. */
export function linger(request: IncomingMessage): void {
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  timer.unref();
  request.once('close', () => {
    clearTimeout(timer);
  });
}
