import { Router } from 'express';
import { z } from 'zod';
import type { StatusEvent } from '../../contract/projects.js';
import { authorise, isAllowed } from '../auth.js';
import type { ApiDeps } from '../deps.js';
import { openEventStream } from '../event-stream.js';
import { contextOf, queryOf } from '../request.js';

const eventsQuery = z.object({ namespace: z.string().optional() });

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
    const stream = openEventStream<StatusEvent>(deps, response);
    const projects = deps.board.projects(namespace).filter((project) => mayHear(project.namespace));
    stream.send({ type: 'snapshot', projects });
    const unsubscribe = deps.board.subscribe((event) => {
      if (concerns(event, mayHear)) stream.send(event);
    });
    stream.onEnd(unsubscribe);
  });
  return router;
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
