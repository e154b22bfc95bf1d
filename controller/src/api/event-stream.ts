import type { Response } from 'express';
import type { ApiDeps } from './deps.js';

const HEARTBEAT_MS = 15_000;
/** A client that is this far behind is cut off: it reconnects and starts from a snapshot. */
const BACKLOG_LIMIT_BYTES = 1024 * 1024;

export interface EventStream<E extends { readonly type: string }> {
  readonly send: (event: E) => void;
  /** Called once, when the client, or the server, has gone. */
  onEnd(end: () => void): void;
}

/** Server-sent events, each called by its type; it ends with the client or when the server stops. */
export function openEventStream<E extends { readonly type: string }>(
  deps: Pick<ApiDeps, 'closing' | 'metrics'>,
  response: Response,
): EventStream<E> {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  const heartbeat = setInterval(() => {
    write(response, ': still here\n\n');
  }, HEARTBEAT_MS);
  const end = (): void => {
    response.end();
  };
  deps.closing.addEventListener('abort', end);
  deps.metrics.streams.inc();
  response.on('close', () => {
    clearInterval(heartbeat);
    deps.closing.removeEventListener('abort', end);
    deps.metrics.streams.dec();
  });
  return {
    send: (event) => {
      write(response, `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    },
    onEnd: (then) => {
      response.on('close', then);
    },
  };
}

function write(response: Response, text: string): void {
  if (response.writableLength > BACKLOG_LIMIT_BYTES) response.destroy();
  else if (!response.destroyed) response.write(text);
}
