import { Router, type Response } from 'express';
import { z } from 'zod';
import type { StatusEvent } from '../../contract/projects.js';
import { authorise, isAllowed } from '../auth.js';
import type { ApiDeps } from '../deps.js';
import { contextOf, queryOf } from '../request.js';

const eventsQuery = z.object({ namespace: z.string().optional() });

const HEARTBEAT_MS = 15_000;
/** A client that is this far behind is cut off: it reconnects and starts from a snapshot. */
const BACKLOG_LIMIT_BYTES = 1024 * 1024;

/** Status as server-sent events: a snapshot first, then what changes, of the namespaces the person may read. */
export function eventRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.get('/v1/events', (request, response) => {
    const { claims } = contextOf(response);
    const { namespace } = queryOf(eventsQuery, request);
    if (namespace !== undefined) authorise(deps.intent, claims, { namespace, need: 'read' });
    // Asked anew for every event: who was removed from a namespace hears nothing more of it.
    const mayHear = (of: string): boolean =>
      (namespace === undefined || namespace === of) &&
      isAllowed(deps.intent, claims, { namespace: of, need: 'read' });
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    const projects = deps.board.projects(namespace).filter((project) => mayHear(project.namespace));
    send(response, { type: 'snapshot', projects });
    follow(deps, response, mayHear);
  });
  return router;
}

function follow(deps: ApiDeps, response: Response, mayHear: (namespace: string) => boolean): void {
  const unsubscribe = deps.board.subscribe((event) => {
    if (concerns(event, mayHear)) send(response, event);
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
    unsubscribe();
    clearInterval(heartbeat);
    deps.closing.removeEventListener('abort', end);
    deps.metrics.streams.dec();
  });
}

function concerns(event: StatusEvent, mayHear: (namespace: string) => boolean): boolean {
  switch (event.type) {
    case 'project':
      return mayHear(event.project.namespace);
    case 'removed':
      return mayHear(event.namespace);
    case 'snapshot':
    case 'freshness':
      return true;
  }
}

const send = (response: Response, event: StatusEvent): void => {
  write(response, `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
};

function write(response: Response, text: string): void {
  if (response.writableLength > BACKLOG_LIMIT_BYTES) response.destroy();
  else if (!response.destroyed) response.write(text);
}
