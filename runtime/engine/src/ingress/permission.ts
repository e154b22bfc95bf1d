import { Agent, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ForwardAuth } from './types.js';

/** What whoever is asked says to a request. */
export type Permission =
  | { readonly may: 'pass'; readonly cookies: readonly string[] }
  | { readonly may: 'sign in'; readonly location: string | undefined }
  | { readonly may: 'not' }
  | { readonly may: 'unknown'; readonly cause: unknown };

const PATIENCE_MS = 10_000;
const agent = new Agent({ keepAlive: true });

/** Of the way and of the body: the question has neither. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  ...['connection', 'content-length', 'expect', 'host', 'http2-settings', 'keep-alive', 'te', 'trailer'],
  ...['proxy-authorization', 'proxy-connection', 'transfer-encoding', 'upgrade'],
]);

export interface Asked {
  readonly request: IncomingMessage;
  /** Path and query as they were sent. */
  readonly path: string;
  readonly auth: ForwardAuth;
}

/**
 * Asks as ingress-nginx does with `auth-url`: a GET with the request's own headers, and in `X-Original-URL` what it is
 * for. 2xx lets it pass, 401 sends to `auth-signin` with where to come back to in `rd`, 403 refuses; nothing else is an
 * answer, and nobody passes on a guess.
 */
export async function permissionFor({ request, path, auth }: Asked): Promise<Permission> {
  const original = `http://${request.headers.host ?? ''}${path}`;
  try {
    const { status, cookies } = await ask(auth.url, questionHeaders(request, original));
    if (status >= 200 && status < 300) return { may: 'pass', cookies };
    if (status === 401) return { may: 'sign in', location: signInAddress(auth.signIn, original) };
    if (status === 403) return { may: 'not' };
    return { may: 'unknown', cause: new Error(`${auth.url} answered ${status}.`) };
  } catch (cause) {
    return { may: 'unknown', cause };
  }
}

function questionHeaders(request: IncomingMessage, original: string): IncomingHttpHeaders {
  const passed = Object.entries(request.headers).filter(([name]) => !NOT_PASSED_ON.has(name));
  return {
    ...Object.fromEntries(passed),
    'x-original-url': original,
    'x-original-method': request.method ?? 'GET',
    'x-forwarded-for': request.socket.remoteAddress ?? '127.0.0.1',
  };
}

function signInAddress(signIn: string | undefined, original: string): string | undefined {
  if (signIn === undefined) return undefined;
  return `${signIn}${signIn.includes('?') ? '&' : '?'}rd=${encodeURIComponent(original)}`;
}

interface Answer {
  readonly status: number;
  readonly cookies: readonly string[];
}

function ask(url: string, headers: IncomingHttpHeaders): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:');
    const options = { headers, signal: AbortSignal.timeout(PATIENCE_MS) };
    const question = secure ? httpsRequest(url, options) : httpRequest(url, { ...options, agent });
    question.once('error', reject);
    question.once('response', (answer) => {
      answer.resume();
      resolve({ status: answer.statusCode ?? 0, cookies: answer.headers['set-cookie'] ?? [] });
    });
    question.end();
  });
}
