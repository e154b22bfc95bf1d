import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, unsupportedMedia } from './status.js';

/** One request, and where its answer goes. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  const body = JSON.stringify(value);
  response
    .writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    })
    .end(body);
}

export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^\d{1,15}$/.test(value)) throw badRequest(`"${name}" is not a whole number.`);
  return Number(value);
}

export const isOn = (query: URLSearchParams, name: string): boolean =>
  ['true', '1'].includes(query.get(name) ?? '');

/** What clients send along is options: a few hundred bytes. */
const MAX_BODY = 64 * 1024;

/** The JSON of a request; undefined where there is none. Has to be called before anything is awaited. */
export function jsonBody(request: IncomingMessage): Promise<unknown> {
  if (/protobuf/.test(request.headers['content-type'] ?? '')) throw unsupportedMedia();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY) chunks.push(chunk);
    });
    request.on('error', reject);
    request.on('end', () => {
      if (size > MAX_BODY) reject(badRequest('The body is too long.'));
      else
        try {
          resolve(size === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString('utf8')));
        } catch {
          reject(badRequest('The body is not JSON.'));
        }
    });
  });
}
