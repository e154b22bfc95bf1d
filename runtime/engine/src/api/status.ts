/** A refusal, in Kubernetes' words: clients read `reason`, people read `message`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

export const notFound = (message: string): ApiError => new ApiError(404, 'NotFound', message);
export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);
export const unsupportedMedia = (): ApiError =>
  new ApiError(415, 'UnsupportedMediaType', 'The body has to be JSON.');
export const gone = (): ApiError =>
  new ApiError(410, 'Expired', 'The resource version is too old: list again.');

/** What this engine does not do over its API, and how the same is done instead. */
export const notAllowed = (method: string): ApiError =>
  new ApiError(
    405,
    'MethodNotAllowed',
    `${method} is not served here: this engine runs what branch "rendered" of its git repository says, so changes go through git (or the portal).`,
  );

/** What a cluster offers through its kubelets, and this engine through its terminal. */
export const inTheTerminal = (subresource: string): ApiError =>
  new ApiError(
    405,
    'MethodNotAllowed',
    `"${subresource}" is not served by this engine: open the project's terminal in the portal.`,
  );

export const statusObject = (error: ApiError): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: error.message,
  reason: error.reason,
  code: error.status,
});
