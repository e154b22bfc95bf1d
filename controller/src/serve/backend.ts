import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Logger } from 'pino';
import { AppError } from '../contract/errors.js';
import { gitEnvironment, type GitLocation } from '../git/git-process.js';
import { readCgiHead } from './cgi.js';

/** Settings for one child, in the order in which git reads them; the files' come before. */
export type Settings = readonly (readonly [name: string, value: string])[];

export interface BackendCall {
  readonly kind: 'read' | 'push';
  readonly location: GitLocation;
  /** `/info/refs`, `/git-upload-pack` or `/git-receive-pack`. */
  readonly path: string;
  readonly query: string;
  /** The acting person's id: git only looks whether there is one. */
  readonly user: string;
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly log: Logger;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * How long git may take to end by itself. A push that is cut off sees the end of its input, and removes what it has not
 * taken over; a signal would leave that behind.
 */
const GRACE_MS: Readonly<Record<BackendCall['kind'], number>> = { read: 2_000, push: 20_000 };
const COMPLAINT_MAX = 4 * 1024;
const PROTOCOL = /^version=[0-2]$/;

/**
 * Answers one request with git's own CGI program. Nothing is held in memory: each side waits for the other. The program
 * and all that it started end when the client goes away, and when the time is over. Throws before anything was sent.
 */
export async function answerWithBackend(call: BackendCall, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const child = spawn('git', ['http-backend'], {
    cwd: call.location.gitDir,
    env: environmentOf(call, request),
    detached: true,
  });
  const closed = outcomeOf(child);
  const complaint = textOf(child.stderr);
  const end = terminator(child, call.kind);
  const timer = setTimeout(() => {
    response.destroy();
    end();
  }, call.limitMs);
  const leave = (): void => {
    if (!response.writableFinished) end();
  };
  response.once('close', leave);
  if (response.destroyed) end();
  try {
    passIn(request, child.stdin);
    await passOn(child.stdout, response);
    const code = await closed;
    if (code !== 0) call.log.warn({ code, complaint: complaint() }, 'git did not finish an answer');
    if (code === null) response.destroy();
    else response.end();
  } catch (error) {
    end();
    call.log.warn({ err: error, complaint: complaint() }, 'git gave no answer');
    if (response.headersSent) response.destroy();
    else throw new AppError('INTERNAL', 'git gave no answer. The request id finds why in the log.');
  } finally {
    clearTimeout(timer);
    response.off('close', leave);
    // Whoever asks for a place next finds that this one's processes are gone.
    await closed;
  }
}

/**
 * A client that stops in the middle of its request ends git's input, and so the push. Where git stops reading, the rest
 * is read all the same: many clients hear an answer only when they have sent everything.
 */
function passIn(request: IncomingMessage, input: Writable): void {
  input
    .on('error', () => undefined)
    .once('close', () => {
      request.unpipe(input);
      request.resume();
    });
  request.once('close', () => {
    if (!request.complete) input.destroy();
  });
  request.pipe(input);
}

/** Where the client is gone the rest is read all the same: git would end in the middle of what it does. */
async function passOn(output: Readable, response: ServerResponse): Promise<void> {
  const { status, headers } = await readCgiHead(output);
  const drop = (): void => void output.unpipe(response).resume();
  response.once('close', drop).on('error', drop);
  if (response.destroyed) drop();
  else response.writeHead(status, headers);
  output.pipe(response, { end: false });
  if (response.destroyed) drop();
  await finished(output);
}

/** Answers how it ended: null for a signal, or where it never began. */
function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', (code) => resolve(code));
  });
}

function textOf(stream: Readable): () => string {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < COMPLAINT_MAX) text += chunk.toString('utf8').slice(0, COMPLAINT_MAX);
  });
  return () => text.trim();
}

/** The whole group: git starts further programs. */
function terminator(child: ChildProcessWithoutNullStreams, kind: BackendCall['kind']): () => void {
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // It is gone.
    }
  };
  let asked = false;
  return () => {
    if (asked || child.exitCode !== null || child.signalCode !== null) return;
    asked = true;
    child.stdin.destroy();
    if (kind === 'read') signal('SIGTERM');
    const last = setTimeout(() => signal('SIGKILL'), GRACE_MS[kind]);
    child.once('close', () => clearTimeout(last));
  };
}

function environmentOf(call: BackendCall, { method = '', headers }: IncomingMessage): Record<string, string> {
  const { gitDir, searchPath } = call.location;
  const protocol = headers['git-protocol'];
  return {
    ...gitEnvironment(searchPath),
    ...settingsInEnvironment(call.settings),
    ...call.environment,
    GIT_PROJECT_ROOT: dirname(gitDir),
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: `/${basename(gitDir)}${call.path}`,
    REQUEST_METHOD: method,
    QUERY_STRING: call.query,
    REMOTE_USER: call.user,
    CONTENT_TYPE: headers['content-type'] ?? '',
    // No CONTENT_LENGTH, though it may be known: git would wait, busily, for the rest of a request that was cut off.
    ...(headers['content-encoding'] === undefined
      ? {}
      : { HTTP_CONTENT_ENCODING: headers['content-encoding'] }),
    ...(typeof protocol === 'string' && PROTOCOL.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
  };
}

/** For this child and what it starts, and for nobody else: no file says so. */
function settingsInEnvironment(settings: Settings): Record<string, string> {
  const entries = settings.flatMap(([name, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, name],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return {
    ...(Object.fromEntries(entries) as Record<string, string>),
    GIT_CONFIG_COUNT: `${settings.length}`,
  };
}
