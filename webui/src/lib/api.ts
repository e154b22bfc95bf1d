import type { Problem } from '@fullstackagent/controller/contract';

/**
 * What went wrong with a request: the server said so (`problem`), or nobody answered (`network`). Two different things:
 * after `network` it is not known whether a change was accepted.
 */
export type Failure =
  | { readonly kind: 'problem'; readonly problem: Problem; readonly requestId?: string }
  | { readonly kind: 'network' };

export type Result<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** One request to the portal's own API. Never throws: a failure is a value, so that no page can forget it. */
export async function api<T>(method: Method, path: string, body?: unknown): Promise<Result<T>> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    return { ok: false, failure: { kind: 'network' } };
  }
  return readAnswer<T>(response);
}

async function readAnswer<T>(response: Response): Promise<Result<T>> {
  const json: unknown = await response.json().catch(() => undefined);
  if (response.ok) return { ok: true, value: json as T };
  const requestId = response.headers.get('x-request-id') ?? undefined;
  return {
    ok: false,
    failure: {
      kind: 'problem',
      problem: isProblem(json) ? json : unreadable(response),
      ...(requestId === undefined ? {} : { requestId }),
    },
  };
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;

/** Something between the browser and the portal answered (a proxy, a login page of a network). */
const unreadable = (response: Response): Problem => ({
  type: 'about:blank',
  title: 'Unexpected answer',
  status: response.status,
  code: 'INTERNAL',
  detail: `The server answered ${response.status} without saying why. Try again in a moment.`,
});

/** One sentence for a toast or a callout. */
export function messageOf(failure: Failure): string {
  if (failure.kind === 'network') return 'The portal did not answer. Check the connection and try again.';
  return failure.problem.detail || failure.problem.title;
}

export type FieldErrors = Readonly<Record<string, string>>;

/** The message that belongs beside one field, by its path in the request (`env.2.name`). */
export function fieldErrors(failure: Failure | undefined): FieldErrors {
  if (failure?.kind !== 'problem') return {};
  const errors: Record<string, string> = {};
  for (const { field, message } of failure.problem.errors ?? []) errors[field] ??= message;
  return errors;
}

/** One sentence for the top of a form: only where nothing is said beside a field. */
export function generalError(failure: Failure | undefined): string | undefined {
  if (failure === undefined || Object.keys(fieldErrors(failure)).length > 0) return undefined;
  return messageOf(failure);
}

/** Those whose field still holds what was refused: a message beside a value that was corrected would be wrong. */
export function standingErrors(errors: FieldErrors, sent: unknown, now: unknown): FieldErrors {
  const stands = (field: string): boolean => {
    const path = field.split('.');
    const depth = depthOf(sent, path);
    return sameAt(sent, now, path.slice(0, depth));
  };
  return Object.fromEntries(Object.entries(errors).filter(([field]) => stands(field)));
}

/** How much of a path was sent, one part at least: what was left out is part of what it was left out of. */
function depthOf(sent: unknown, path: readonly string[]): number {
  const depth = path.findIndex((_, index) => valueAt(sent, path.slice(0, index + 1)) === undefined);
  return depth === -1 ? path.length : Math.max(depth, 1);
}

const sameAt = (a: unknown, b: unknown, path: readonly string[]): boolean =>
  JSON.stringify(valueAt(a, path)) === JSON.stringify(valueAt(b, path));

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key)
        ? (inner as Record<string, unknown>)[key]
        : undefined,
    value,
  );
}

export const isCode = (failure: Failure, code: Problem['code']): boolean =>
  failure.kind === 'problem' && failure.problem.code === code;
