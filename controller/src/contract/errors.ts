import type { Conflict } from './conflict.js';

/** Every error the API can answer, with its HTTP status. Closed: a new one is added here and nowhere else. */
export const errorCodes = {
  BAD_REQUEST: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  SIGNUP_CLOSED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NAME_TAKEN: 409,
  STALE_VERSION: 409,
  ACTION_NOT_ALLOWED: 409,
  TOO_LARGE: 413,
  VALIDATION_FAILED: 422,
  RATE_LIMITED: 429,
  INTERNAL: 500,
  CLUSTER_REFUSED: 502,
  CLUSTER_UNREACHABLE: 503,
  STORAGE_UNAVAILABLE: 503,
  NOT_REPLICATED: 503,
  NOT_READY: 503,
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** A message that belongs beside one field: `field` is the path in the request body, dots between (`env.2.name`). */
export interface FieldError {
  readonly field: string;
  readonly message: string;
}

/** RFC 9457 problem document, media type `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** With STALE_VERSION, where the two changes can be told apart. */
  readonly conflict?: Conflict;
}

export type ProblemMembers = Pick<Problem, 'errors' | 'conflict'>;

const titles: Record<ErrorCode, string> = {
  BAD_REQUEST: 'The request cannot be read',
  UNAUTHENTICATED: 'Not signed in',
  FORBIDDEN: 'Not allowed',
  SIGNUP_CLOSED: 'Sign-up is closed',
  NOT_FOUND: 'Not found',
  METHOD_NOT_ALLOWED: 'Not possible here',
  NAME_TAKEN: 'The name is taken',
  STALE_VERSION: 'Changed by somebody else meanwhile',
  ACTION_NOT_ALLOWED: 'Not possible in this state',
  TOO_LARGE: 'Too large',
  VALIDATION_FAILED: 'Something in the form is not right',
  RATE_LIMITED: 'Too many attempts',
  INTERNAL: 'Something went wrong here',
  CLUSTER_REFUSED: 'The cluster refused',
  CLUSTER_UNREACHABLE: 'The cluster cannot be reached',
  STORAGE_UNAVAILABLE: 'The repository cannot be written',
  NOT_REPLICATED: 'Written here, and not there yet',
  NOT_READY: 'Not ready yet',
};

export function problem(code: ErrorCode, detail: string, { errors, conflict }: ProblemMembers = {}): Problem {
  return {
    type: `urn:fullstackagent:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titles[code],
    status: errorCodes[code],
    code,
    detail,
    ...(errors && errors.length > 0 ? { errors } : {}),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

/**
 * The one error type of the controller. Classified where the outside world is touched (git, Kubernetes), never by
 * matching strings further in. `message` is for the person; `cause` keeps what happened, for the log.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[];
  readonly conflict: Conflict | undefined;

  constructor(code: ErrorCode, message: string, options: ProblemMembers & { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.errors = options.errors ?? [];
    this.conflict = options.conflict;
  }

  toProblem(): Problem {
    const { errors, conflict } = this;
    return problem(this.code, this.message, { errors, ...(conflict === undefined ? {} : { conflict }) });
  }
}
