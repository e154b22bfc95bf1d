import { randomUUID } from 'node:crypto';
import type { Request, RequestHandler, Response } from 'express';
import type { z } from 'zod';
import { AppError } from '../contract/errors.js';
import type { TokenClaims } from '../contract/token.js';
import type { Author, ProjectKey } from '../model/intent.js';
import { authorise, type Need } from './auth.js';
import type { ApiDeps } from './deps.js';

/** What a handler knows about a request before it looks at the body. */
export interface Context {
  readonly claims: TokenClaims;
  readonly author: Author;
  readonly requestId: string;
}

/** A request id becomes a trailer of the commit and a field of the log: only harmless ones are taken over. */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

export const requestIdFrom = (header: string | readonly string[] | undefined): string =>
  typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID();

export const assignRequestId: RequestHandler = (request, response, next) => {
  const requestId = requestIdFrom(request.headers['x-request-id']);
  response.locals['requestId'] = requestId;
  response.setHeader('X-Request-Id', requestId);
  next();
};

export const requestIdOf = (response: Response): string => String(response.locals['requestId']);

/** Every route behind this needs a token. */
export function requireToken(deps: Pick<ApiDeps, 'tokens'>): RequestHandler {
  return async (request, response, next) => {
    response.locals['claims'] = await deps.tokens.person(request.headers.authorization);
    next();
  };
}

export function contextOf(response: Response): Context {
  const claims = response.locals['claims'] as TokenClaims | undefined;
  if (claims === undefined) throw new AppError('UNAUTHENTICATED', 'Sign in first.');
  return { claims, author: { id: claims.sub, name: claims.name }, requestId: requestIdOf(response) };
}

/** Throws FORBIDDEN for anybody who does not look after the installation. */
export function requireOperator(response: Response): void {
  if (contextOf(response).claims.operator) return;
  throw new AppError('FORBIDDEN', 'This is for the operators of the installation.');
}

/** The namespace of the path, with the right to do this in it. */
export function namespaceOf(
  deps: ApiDeps,
  call: { request: Request; response: Response; need: Need },
): string {
  const namespace = pathParameter(call.request, 'namespace');
  authorise(deps.intent, contextOf(call.response).claims, { namespace, need: call.need });
  return namespace;
}

/** The project of the path, with the right to do this with it. Throws NOT_FOUND where there is none. */
export function projectOf(
  deps: ApiDeps,
  call: { request: Request; response: Response; need: Need },
): ProjectKey {
  const key = { namespace: namespaceOf(deps, call), name: pathParameter(call.request, 'id') };
  if (deps.intent.project(key) === undefined && deps.intent.invalid(key) === undefined)
    throw new AppError('NOT_FOUND', 'There is no such project.');
  return key;
}

export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === 'string' ? value : '';
}

/** The body as the schema reads it. Throws VALIDATION_FAILED with a message beside each field (`env.2.name`). */
export function bodyOf<T extends z.ZodType>(schema: T, request: Request): z.output<T> {
  if (request.body === undefined)
    throw new AppError('BAD_REQUEST', 'Send a JSON document (Content-Type: application/json).');
  return validated(schema, request.body);
}

export function queryOf<T extends z.ZodType>(schema: T, request: Request): z.output<T> {
  return validated(schema, request.query);
}

function validated<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const result = schema.safeParse(input, { error: plainly });
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(fieldErrors);
  const [first] = errors;
  throw new AppError(
    'VALIDATION_FAILED',
    first === undefined ? 'Something in the form is not right.' : first.message,
    {
      errors,
    },
  );
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** What a schema has no words of its own for: the wrong kind of value, or none. */
function plainly(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code !== 'invalid_type') return undefined;
  return issue.input === undefined
    ? 'This is needed.'
    : `This has to be ${kinds[issue.expected] ?? issue.expected}.`;
}

/** A union says what was wrong with each of its members: the member that got furthest is the one that was meant. */
function fieldErrors(issue: z.core.$ZodIssue): { field: string; message: string }[] {
  const prefix = issue.path.map(String);
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      field: [...prefix, key].join('.'),
      message: 'There is no such field.',
    }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const [closest] = [...issue.errors].sort((a, b) => severity(a) - severity(b));
    return (closest ?? []).flatMap((inner) =>
      fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }),
    );
  }
  return [{ field: prefix.join('.'), message: issue.message }];
}

const shapeCodes: ReadonlySet<string> = new Set(['invalid_type', 'unrecognized_keys', 'invalid_value']);

/** Not even the right kind of value is worse than a wrong field, and that is worse than a field's wrong content. */
function severity(issues: readonly z.core.$ZodIssue[]): number {
  const shape = issues.filter(({ code }) => shapeCodes.has(code));
  const root = shape.some(({ code, path }) => code === 'invalid_type' && path.length === 0);
  return (root ? 10_000 : 0) + shape.length * 100 + issues.length;
}
