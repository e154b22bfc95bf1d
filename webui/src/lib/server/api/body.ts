import { AppError } from '@fullstackagent/controller/contract';

/** The body as JSON. Throws BAD_REQUEST where it is none or is not called so, TOO_LARGE beyond BODY_SIZE_LIMIT. */
export async function readJson(request: Request): Promise<unknown> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  // A form on another site can send every type but this one.
  if (type !== 'application/json')
    throw new AppError('BAD_REQUEST', 'Send a JSON document (Content-Type: application/json).');
  const text = await readText(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new AppError('BAD_REQUEST', 'The request cannot be read: it is not valid JSON.');
  }
}

async function readText(request: Request): Promise<string> {
  try {
    return await request.text();
  } catch (error) {
    // SvelteKit's own error class is not exported; its status is what there is to go by.
    const tooLarge = error instanceof Error && 'status' in error && error.status === 413;
    if (tooLarge) throw new AppError('TOO_LARGE', 'A request has at most 2 MB.', { cause: error });
    throw new AppError('BAD_REQUEST', 'The request ended before all of it had arrived.', { cause: error });
  }
}

/** The body as an object, for what names its fields. Throws like {@link readJson}, and VALIDATION_FAILED. */
export async function readObject(request: Request): Promise<Record<string, unknown>> {
  const body = await readJson(request);
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new AppError('VALIDATION_FAILED', 'A JSON object is needed.');
  return { ...body };
}
