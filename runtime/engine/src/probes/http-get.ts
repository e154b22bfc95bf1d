import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { HttpCheck } from './spec.js';

export interface ProbeHttpAnswer {
  readonly status: number;
}

/** `port`: of this machine. */
export type HttpTarget = Omit<HttpCheck, 'type' | 'port'> & { readonly port: number };

/** As many as the kubelet follows. */
const MAX_REDIRECTS = 10;

/** One GET, and what it redirects to in the same place. Rejects where there is no answer before the signal. */
export async function httpGet(target: HttpTarget, signal: AbortSignal): Promise<ProbeHttpAnswer> {
  let path = target.path.startsWith('/') ? target.path : `/${target.path}`;
  for (let count = 0; ; count += 1) {
    const { status, location } = await ask({ ...target, path }, signal);
    const next = location === undefined ? undefined : redirected(location, path);
    // To another place: nobody is asked there, and that this one answers is what counts.
    if (status < 300 || status >= 400 || next === undefined) return { status };
    if (count === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
    path = next;
  }
}

/** The path, where a redirect stays with the container. */
function redirected(location: string, from: string): string | undefined {
  const base = `http://container${from}`;
  if (!URL.canParse(location, base)) return undefined;
  const { hostname, pathname, search } = new URL(location, base);
  return ['container', '127.0.0.1', 'localhost'].includes(hostname) ? `${pathname}${search}` : undefined;
}

interface Reply extends ProbeHttpAnswer {
  readonly location: string | undefined;
}

function ask({ scheme, port, path, headers }: HttpTarget, signal: AbortSignal): Promise<Reply> {
  const options = {
    ...{ host: '127.0.0.1', port, path, signal },
    // No connection is kept: an app that is asked is one that can take a new one.
    agent: false,
    // What a container shows is its own: nobody signed it.
    rejectUnauthorized: false,
    headers: { 'user-agent': 'kube-probe/1.33', accept: '*/*', ...Object.fromEntries(headers) },
  };
  return new Promise((resolve, reject) => {
    const take = (response: IncomingMessage): void => {
      const { statusCode = 0, headers: said } = response;
      resolve({ status: statusCode, location: said.location });
      response.destroy();
    };
    const request = scheme === 'https' ? https.get(options, take) : http.get(options, take);
    request.on('error', (error) => {
      reject(signal.aborted ? (signal.reason as Error) : error);
    });
  });
}
