import { AppError } from '@fullstackagent/controller/contract';
import type { LiveConnection } from '../live-connections.js';
import { services } from '../services.js';
import type { Credential } from '../users.js';
import type { Call } from './route.js';
import { givenNamespace } from './route.js';

/**
 * Passes the controller's event stream on as it is, heartbeats included. It ends with the browser's connection, with
 * the session or the token, when the controller goes away (the browser's EventSource comes back by itself) and when the portal stops.
 */
export function relayEvents(call: Call): Promise<Response> {
  return relay(call, (signal) => call.controller.events(signal, givenNamespace(call.event.url)));
}

export async function relay(
  { event }: Call,
  open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>,
): Promise<Response> {
  const connection = await openFor(event.locals.credential);
  const gone = new AbortController();
  const signal = AbortSignal.any([connection.signal, event.request.signal, gone.signal]);
  try {
    const upstream = await open(signal);
    const body = untilEither(upstream, {
      onEnd: connection.done,
      onCancel: () => {
        gone.abort();
      },
    });
    return new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    });
  } catch (error) {
    connection.done();
    throw error;
  }
}

async function openFor(credential: Credential | null): Promise<LiveConnection> {
  const connection = credential === null ? undefined : await services().live.open(credential);
  if (connection === undefined) throw new AppError('UNAUTHENTICATED', 'The session or the token has ended.');
  return connection;
}

interface Ends {
  readonly onEnd: () => void;
  readonly onCancel: () => void;
}

/** A source that breaks ends the stream in order: an EventSource takes that, as any end, as the sign to connect again. */
function untilEither(source: ReadableStream<Uint8Array>, ends: Ends): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const chunk = await reader.read().catch(() => undefined);
      if (chunk?.value !== undefined) {
        controller.enqueue(chunk.value);
        return;
      }
      ends.onEnd();
      controller.close();
    },
    async cancel() {
      ends.onEnd();
      ends.onCancel();
      await reader.cancel().catch(() => undefined);
    },
  });
}
