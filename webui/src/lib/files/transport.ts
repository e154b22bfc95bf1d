import type { Problem, UploadedDto, UploadStateDto } from '@fullstackagent/controller/contract';
import { api, type Failure, type Result } from '../api.js';
import { projectApi } from '../projects/paths.js';

export type Clash = 'refuse' | 'replace' | 'keep-both';

/** One file on its way, as the server has to know it. */
export interface Sending {
  readonly session: string;
  readonly path: string;
  readonly upload: string;
  readonly file: Blob;
  readonly clash: Clash;
}

export interface SendOptions {
  readonly offset: number;
  readonly signal: AbortSignal;
  /** Bytes of this request that are on their way. */
  readonly progress: (bytes: number) => void;
}

/** How files reach a sandbox. Nothing here throws: a failure is a value. */
export interface Transport {
  state(sending: Sending): Promise<Result<UploadStateDto>>;
  send(sending: Sending, options: SendOptions): Promise<Result<UploadedDto>>;
  forget(sending: Sending): Promise<unknown>;
}

export function browserTransport(projectKey: string): Transport {
  const stateUrl = (sending: Sending): string =>
    `${projectApi(projectKey, 'files/upload')}?${placeOf(sending).toString()}`;
  return {
    state: (sending) => api<UploadStateDto>('GET', stateUrl(sending)),
    // It outlives the page: leaving it is one of the times when this is asked for.
    forget: (sending) =>
      fetch(stateUrl(sending), { method: 'DELETE', keepalive: true }).catch(() => undefined),
    send: (sending, options) => {
      const query = placeOf(sending);
      query.set('offset', String(options.offset));
      query.set('size', String(sending.file.size));
      query.set('clash', sending.clash);
      return put(`${projectApi(projectKey, 'files')}?${query.toString()}`, sending.file, options);
    },
  };
}

const placeOf = ({ session, path, upload }: Sending): URLSearchParams =>
  new URLSearchParams({ session, path, upload });

/** XMLHttpRequest, because `fetch` does not say how much it has sent. The browser reads the file as it sends it. */
function put(url: string, file: Blob, options: SendOptions): Promise<Result<UploadedDto>> {
  const { offset, signal, progress } = options;
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const lost = (): void => finish({ ok: false, failure: { kind: 'network' } });
    const finish = (result: Result<UploadedDto>): void => {
      signal.removeEventListener('abort', abort);
      resolve(result);
    };
    request.upload.addEventListener('progress', ({ loaded }) => progress(loaded));
    request.addEventListener('load', () => finish(answerOf(request)));
    for (const event of ['error', 'abort', 'timeout'] as const) request.addEventListener(event, lost);
    signal.addEventListener('abort', abort);
    request.open('PUT', url);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.send(offset === 0 ? file : file.slice(offset));
    if (signal.aborted) abort();
  });
}

function answerOf(request: XMLHttpRequest): Result<UploadedDto> {
  const body = jsonOf(request.responseText);
  if (request.status >= 200 && request.status < 300) return { ok: true, value: body as UploadedDto };
  const failure: Failure = isProblem(body) ? { kind: 'problem', problem: body } : { kind: 'network' };
  return { ok: false, failure };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'code' in value && 'detail' in value;
