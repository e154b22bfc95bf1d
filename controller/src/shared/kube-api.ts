import { stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import { KubeConfig } from '@kubernetes/client-node';
import { WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';

/** Everything that can go wrong with the cluster, classified here and nowhere further in. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** What a server that is too busy asks for (429, 503). */
  retryAfterMs?: number;

  /** `status` is absent where no answer came: no kubeconfig yet, refused, timed out, cut off. */
  constructor(
    message: string,
    readonly status?: number,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  toAppError(): AppError {
    if (this.status === undefined || this.status >= 500 || this.status === 429)
      return new AppError(
        'CLUSTER_UNREACHABLE',
        'The cluster cannot be reached right now. Try again in a moment.',
        {
          cause: this,
        },
      );
    return new AppError(
      'CLUSTER_REFUSED',
      'The cluster refused this. An operator finds the reason in the log.',
      { cause: this },
    );
  }
}

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

export interface WatchOptions {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onOpen?: () => void;
  readonly onEvent: (event: WatchEvent) => void;
}

const ANSWER_LIMIT_MS = 10_000;
/** One answer; ten thousand pods are about 60 MB. */
const ANSWER_LIMIT_BYTES = 256 * 1024 * 1024;
/** One line of a watch; etcd refuses objects over 1.5 MiB. */
const LINE_LIMIT_CHARS = 16 * 1024 * 1024;

/**
 * Reads of the Kubernetes API as plain JSON. Credentials, certificates and proxies come from the client library's
 * KubeConfig; its typed lists and its informer are not used: deserialising 10,000 pods costs 125 ms of CPU, and its
 * watch loops without a pause when a server closes at once and lets a rejected promise end the process.
 */
export class KubeApi {
  readonly #load: () => Promise<KubeConfig>;
  #config: KubeConfig | undefined;
  #epoch = 0;

  constructor(load: () => Promise<KubeConfig>) {
    this.#load = load;
  }

  /** Grows when the kubeconfig was written anew: what is spoken to may be another server from then on. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Throws KubeError. */
  async get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    const response = await this.#request(path, query, AbortSignal.timeout(ANSWER_LIMIT_MS));
    const body = await readAll(response);
    if (response.statusCode !== 200) throw refusal(response, path, body);
    return parsed(path, body);
  }

  /** Only the local engine is asked for anything this way: on a cluster the applier changes what there is. */
  async post(path: string, body: object, limitMs: number): Promise<unknown> {
    try {
      const { url, options } = await this.#target(path, {
        method: 'POST',
        headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
        signal: AbortSignal.timeout(limitMs),
      });
      const response = await open(url, options, JSON.stringify(body));
      const answer = await readAll(response);
      if (response.statusCode !== 201) throw refused(response.statusCode ?? 0, path, answer);
      return parsed(path, answer);
    } catch (error) {
      throw error instanceof KubeError ? error : unreachable(error);
    }
  }

  /** Resolves when the server ends the stream, throws KubeError when it breaks; events come in order. */
  async watch(options: WatchOptions): Promise<void> {
    const response = await this.#request(options.path, { ...options.query, watch: 'true' }, options.signal);
    if (response.statusCode !== 200) throw refusal(response, options.path, await readAll(response));
    response.socket.setKeepAlive(true, 30_000);
    options.onOpen?.();
    try {
      await readLines(response, (line) => {
        options.onEvent(JSON.parse(line) as WatchEvent);
      });
    } catch (error) {
      throw error instanceof KubeError
        ? error
        : new KubeError(`The watch of ${options.path} broke.`, undefined, error);
    }
  }

  /** An open WebSocket, paused: what comes is not read before somebody listens. Throws KubeError. */
  async connect(
    path: string,
    query: readonly (readonly [string, string])[],
    protocol: string,
  ): Promise<WebSocket> {
    try {
      const { url, options } = await this.#target(path, {});
      for (const [key, value] of query) url.searchParams.append(key, value);
      url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
      return await openSocket(new WebSocket(url, [protocol], { ...options, ...SOCKET_OPTIONS }));
    } catch (error) {
      throw error instanceof KubeError ? error : unreachable(error);
    }
  }

  async #target(path: string, options: https.RequestOptions): Promise<Target> {
    const config = await this.#load();
    if (config !== this.#config) this.#epoch += 1;
    this.#config = config;
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('The kubeconfig names no cluster.');
    const requestOptions: https.RequestOptions = { method: 'GET', ...options };
    await config.applyToHTTPSOptions(requestOptions);
    return { url: new URL(server.replace(/\/$/, '') + path), options: requestOptions };
  }

  async #request(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    try {
      const { url, options } = await this.#target(path, { headers: { Accept: 'application/json' }, signal });
      for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
      return await open(url, options);
    } catch (error) {
      throw error instanceof KubeError ? error : unreachable(error);
    }
  }
}

const unreachable = (cause: unknown): KubeError =>
  new KubeError('The cluster cannot be reached.', undefined, cause);

function parsed(path: string, body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw new KubeError(`The answer to ${path} is not JSON.`, undefined, error);
  }
}

interface Target {
  readonly url: URL;
  readonly options: https.RequestOptions;
}

const SOCKET_OPTIONS = {
  handshakeTimeout: ANSWER_LIMIT_MS,
  perMessageDeflate: false,
  followRedirects: false,
} as const;

function openSocket(socket: WebSocket): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause();
      resolve(socket);
    });
    socket.once('unexpected-response', (_request, response) => {
      readAll(response).then((body) => {
        reject(refused(response.statusCode ?? 0, 'exec', body));
      }, reject);
    });
    socket.once('error', reject);
  });
}

function open(url: URL, options: https.RequestOptions, body?: string): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'http:' ? http : https;
  return new Promise((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end(body);
  });
}

async function readAll(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > ANSWER_LIMIT_BYTES) throw new Error('The answer is too large.');
      chunks.push(chunk);
    }
  } catch (error) {
    throw new KubeError('The answer was cut off.', undefined, error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function readLines(response: http.IncomingMessage, onLine: (line: string) => void): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of response as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_LIMIT_CHARS) throw new Error('A line of the watch is too long.');
    for (const line of lines) if (line !== '') onLine(line);
  }
}

function refusal(response: http.IncomingMessage, path: string, body: string): KubeError {
  const error = refused(response.statusCode ?? 0, path, body);
  const seconds = Number(response.headers['retry-after']);
  if (Number.isFinite(seconds) && seconds > 0) error.retryAfterMs = seconds * 1000;
  return error;
}

/** The server's own sentence (a `Status` object) where there is one; never a body that could hold a secret. */
function refused(status: number, path: string, body: string): KubeError {
  let message = `answered ${status}`;
  try {
    const parsed = JSON.parse(body) as { kind?: unknown; message?: unknown };
    if (parsed.kind === 'Status' && typeof parsed.message === 'string')
      message = parsed.message.slice(0, 500);
  } catch {
    // Not a Status: the number has to do.
  }
  return new KubeError(`${path}: ${message}`, status);
}

/**
 * Loads a kubeconfig file again whenever it changed: the local engine writes it after the controller started, and
 * writes it anew, with another port, after its own restart. Without a path: the usual places, in-cluster included.
 */
export function kubeConfigSource(file: string | undefined): () => Promise<KubeConfig> {
  let loaded: { config: KubeConfig; stamp: string } | undefined;
  return async () => {
    const stamp = file === undefined ? 'default' : await stampOf(file);
    if (loaded?.stamp !== stamp) {
      const config = new KubeConfig();
      if (file === undefined) config.loadFromDefault();
      else config.loadFromFile(file);
      loaded = { config, stamp };
    }
    return loaded.config;
  };
}

async function stampOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs}:${size}:${ino}`;
  } catch (error) {
    throw new KubeError(`The kubeconfig ${file} is not there yet.`, undefined, error);
  }
}
