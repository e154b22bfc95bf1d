import { AppError, errorCodes, type ErrorCode } from '@fullstackagent/controller/contract';
import { z } from 'zod';

export interface ControllerConnection {
  readonly baseUrl: string;
  /** A new signed token that names the acting person: each is good for one request. */
  readonly token: () => Promise<string>;
  readonly requestId: string;
}

export interface ControllerRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** For streams. Everything else has a time limit. */
  readonly signal?: AbortSignal;
}

const ANSWER_LIMIT_MS = 30_000;

/** One request. Throws an AppError unless the answer is a success. */
export async function ask(connection: ControllerConnection, request: ControllerRequest): Promise<Response> {
  const response = await send(connection, request);
  if (response.ok) return response;
  throw errorFromProblem(response.status, await response.text().catch(() => ''));
}

async function send(connection: ControllerConnection, request: ControllerRequest): Promise<Response> {
  const { method, path, body, signal } = request;
  const once = async (): Promise<Response> =>
    fetch(`${connection.baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await connection.token()}`,
        'x-request-id': connection.requestId,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: signal ?? AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
  try {
    // A kept connection may have ended just now; reading twice does no harm, changing twice might.
    return method === 'GET' ? await once().catch(() => (signal?.throwIfAborted(), once())) : await once();
  } catch (error) {
    throw new AppError('NOT_READY', noAnswer(method), { cause: error });
  }
}

const noAnswer = (method: string): string =>
  method === 'GET'
    ? 'The platform is not answering right now. Try again in a moment.'
    : 'The platform did not answer. Look whether the change was made before you try again.';

/** Strict: what says that it is secret brings no value along. */
const fieldValue = z
  .discriminatedUnion('secret', [
    z.strictObject({ secret: z.literal(true) }),
    z.strictObject({ secret: z.literal(false), value: z.union([z.string(), z.number(), z.boolean()]) }),
  ])
  .nullable();

const problemShape = z.object({
  code: z.string().refine((code): code is ErrorCode => Object.hasOwn(errorCodes, code)),
  detail: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  conflict: z
    .object({
      fields: z.array(
        z.object({ field: z.string(), base: fieldValue, theirs: fieldValue, yours: fieldValue }),
      ),
      version: z.string(),
      documents: z.object({ theirs: z.string(), yours: z.string() }),
    })
    .optional(),
});

/** The controller's problem document as the error it stands for. */
export function errorFromProblem(status: number, text: string): AppError {
  const { success, data } = problemShape.safeParse(jsonOrNothing(text));
  // Our own token was refused: that is our mistake or a clock's, and signing in again would not help.
  if (success && data.code !== 'UNAUTHENTICATED') {
    const { code, detail, errors = [], conflict } = data;
    return new AppError(code, detail, { errors, ...(conflict === undefined ? {} : { conflict }) });
  }
  return new AppError('INTERNAL', 'Something went wrong between the portal and the platform.', {
    cause: new Error(`The controller answered ${status}: ${text.slice(0, 500)}`),
  });
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
