import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { RegistryError } from './errors.js';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** At most {@link BODY_LIMIT_BYTES}; the rest was thrown away. */
  readonly body: string;
}

/** What is not read before somebody waits for it. */
interface Upload {
  readonly content: Readable;
  readonly size: number;
}

export interface Asked {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | Upload;
  readonly signal: AbortSignal;
}

const BODY_LIMIT_BYTES = 64 * 1024;
/** Silence on the connection, either way: an upload of any length may go on as long as bytes move. */
const SILENCE_LIMIT_MS = 60_000;

/** One request, without following redirects. Throws RegistryError `unreachable`, or the reason of the signal. */
export async function send(url: URL, asked: Asked): Promise<Answer> {
  try {
    return await exchange(url, asked);
  } catch (error) {
    asked.signal.throwIfAborted();
    if (error instanceof RegistryError) throw error;
    throw new RegistryError('unreachable', `The registry ${url.host} cannot be reached.`, error);
  }
}

async function exchange(url: URL, { method, headers = {}, body, signal }: Asked): Promise<Answer> {
  const upload = body === undefined || Buffer.isBuffer(body) ? undefined : body;
  const size = Buffer.isBuffer(body) ? body.length : upload?.size;
  const length = size === undefined ? {} : { 'content-length': String(size) };
  const open = url.protocol === 'http:' ? http.request : https.request;
  const request = open(url, { method, headers: { ...headers, ...length }, signal });
  request.setTimeout(SILENCE_LIMIT_MS, () => {
    request.destroy(new Error('The connection was silent for too long.'));
  });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).on('error', reject);
  });
  if (upload === undefined) {
    request.end(body);
    return read(await answered);
  }
  // A registry may refuse before it has everything; what it says then is worth more than that the upload broke.
  const sent = pipeline(upload.content, request);
  sent.catch(() => undefined);
  const response = await Promise.race([answered, sent.then(() => answered)]);
  const answer = await read(response);
  upload.content.destroy();
  if (answer.status < 300) await sent;
  return answer;
}

async function read(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_LIMIT_BYTES) chunks.push(chunk);
  }
  const body = Buffer.concat(chunks).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
