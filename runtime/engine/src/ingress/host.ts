import type { IncomingMessage } from 'node:http';

const HOST = /^([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)\.?(?::\d{1,5})?$/;

export interface RoutedRequest {
  /** Lower case, without port and final dot. */
  readonly host: string;
  /** As the app shall see it: the path and query exactly as they were sent. */
  readonly path: string;
}

/** Which host a request is for; `undefined` where that cannot be said for certain (RFC 9112, section 3.2). */
export function routeOf(request: IncomingMessage): RoutedRequest | undefined {
  const target = request.url ?? '';
  if (countHostHeaders(request) > 1) return undefined;
  const named = hostOf(request.headers.host ?? '');
  if (named === undefined) return undefined;
  if (target.startsWith('/')) return { host: named, path: target };
  return absoluteForm(target, named);
}

/** `GET http://host/path`: what a client sends that takes us for a forward proxy. Both names have to agree. */
function absoluteForm(target: string, named: string): RoutedRequest | undefined {
  const match = /^http:\/\/([^/?#]*)([/?].*)?$/i.exec(target);
  if (hostOf(match?.[1] ?? '') !== named) return undefined;
  const path = match?.[2] ?? '/';
  return { host: named, path: path.startsWith('/') ? path : `/${path}` };
}

function hostOf(text: string): string | undefined {
  return HOST.exec(text.toLowerCase())?.[1];
}

/** Node keeps the first of several; another server behind us might keep the last. */
function countHostHeaders(request: IncomingMessage): number {
  return request.rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length;
}
