import { json, type RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { namespaceName } from '@fullstackagent/charts/documents';
import type { ControllerClient } from '../controller-client.js';
import { problemResponse } from '../problems.js';
import { projectKeyOf, type ProjectKey } from '../project-key.js';
import type { SessionUser } from '../users.js';

type Answer = (event: RequestEvent) => Promise<Response>;

/** A route of the API that anybody may call. What it throws becomes a problem document. */
export function anybody(work: (event: RequestEvent) => Promise<unknown>, status = 200): Answer {
  return async (event) => {
    try {
      return asResponse(await work(event), status);
    } catch (error) {
      return problemResponse(error, event);
    }
  };
}

export interface Call {
  readonly event: RequestEvent;
  readonly user: SessionUser;
  /** In the name of `user`. */
  readonly controller: ControllerClient;
}

/** A route for people who are signed in. Throws UNAUTHENTICATED for everybody else. */
export function signedIn(work: (call: Call) => Promise<unknown>, status = 200): Answer {
  return anybody((event) => {
    const { user, controller } = event.locals;
    if (user === null || controller === null)
      throw new AppError('UNAUTHENTICATED', 'Sign in first, or send a personal access token.');
    return work({ event, user, controller });
  }, status);
}

/** A route under `/api/projects/:id`. */
export function onProject(
  work: (call: Call & { key: ProjectKey }) => Promise<unknown>,
  status = 200,
): Answer {
  return signedIn((call) => {
    const key = projectKeyOf(call.event.params['id'] ?? '', call.user.namespace);
    return work({ ...call, key });
  }, status);
}

function asResponse(value: unknown, status: number): Response {
  if (value instanceof Response) return value;
  return value === undefined ? new Response(null, { status: 204 }) : json(value, { status });
}

/** `?namespace=`, or the caller's own. Throws NOT_FOUND for what cannot be one. */
export function namespaceOf({ event, user }: Call): string {
  return givenNamespace(event.url) ?? user.namespace;
}

export function givenNamespace(url: URL): string | undefined {
  const given = url.searchParams.get('namespace');
  if (given === null) return undefined;
  if (!namespaceName.safeParse(given).success)
    throw new AppError('NOT_FOUND', 'There is no such namespace, or you are not a member of it.');
  return given;
}
