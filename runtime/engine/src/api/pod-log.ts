import type { ServerResponse } from 'node:http';
import type { ContainerLog, LogLine } from '../logs/index.js';
import { list, text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { logOptions, selected, shown, type LogOptions } from './log-options.js';
import type { Exchange } from './replies.js';
import { badRequest } from './status.js';

/** Somebody who does not read while the app prints: what may wait for them. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

interface LogExchange extends Exchange {
  /** What its container prints, where that is kept. */
  readonly log?: ContainerLog | undefined;
}

/**
 * The log of a pod. Of a release it is what its container printed, kept over its restarts. What people run in a sandbox
 * prints into their terminals and is nobody else's business: there it is what the engine did with it, a line each. With
 * `follow`, until the pod is gone or the client leaves.
 */
export async function podLog(store: Store, pod: KubeObject, exchange: LogExchange): Promise<void> {
  const { response, query, log } = exchange;
  const container = text(list(pod, 'spec', 'containers')[0], 'name') ?? '';
  const options = logOptions(query);
  if (options.container !== undefined && options.container !== container)
    throw badRequest(`container ${options.container} is not valid for pod ${pod.metadata.name}`);
  if (options.previous) await previous(pod, { response, options, log });
  else if (log !== undefined) await printed(store, pod, { response, options, log });
  else events(store, pod, { response, options });
}

interface Answer {
  readonly response: ServerResponse;
  readonly options: LogOptions;
}

type PrintedAnswer = Answer & { readonly log: ContainerLog };

function begin(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
}

async function previous(
  pod: KubeObject,
  { response, options, log }: Answer & { readonly log: ContainerLog | undefined },
): Promise<void> {
  const lines = await log?.previous();
  if (lines === undefined) {
    const container = text(list(pod, 'spec', 'containers')[0], 'name') ?? '';
    throw badRequest(`previous terminated container "${container}" in pod "${pod.metadata.name}" not found`);
  }
  begin(response);
  response.end(shown(selected(lines, options), options));
}

async function printed(store: Store, pod: KubeObject, answer: PrintedAnswer): Promise<void> {
  const { response, options, log } = answer;
  if (options.follow) return follow(store, pod, answer);
  const lines = await log.current();
  begin(response);
  response.end(shown(selected(lines, options), options));
}

async function follow(
  store: Store,
  pod: KubeObject,
  { response, options, log }: PrintedAnswer,
): Promise<void> {
  const write = (lines: readonly LogLine[]): void => {
    response.write(shown(lines, options));
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
  };
  // Lines may come before this function goes on.
  const early: LogLine[] = [];
  let take = (line: LogLine): void => {
    early.push(line);
  };
  const { lines, stop } = await log.follow((line) => {
    take(line);
  });
  begin(response);
  write([...selected(lines, options), ...early]);
  take = (line) => {
    write([line]);
  };
  endWithPod(store, pod, { response, stop });
}

/** Until the pod is gone, or the client. */
function endWithPod(
  store: Store,
  { metadata: { uid } }: KubeObject,
  { response, stop }: { readonly response: ServerResponse; readonly stop: () => void },
): void {
  response.flushHeaders();
  const unsubscribe = store.onChange(({ type, object }: Change) => {
    if (object.metadata.uid === uid && type === 'DELETED') response.end();
  });
  response.on('close', () => {
    stop();
    unsubscribe();
  });
}

function events(store: Store, pod: KubeObject, { response, options }: Answer): void {
  const { namespace, uid } = pod.metadata;
  const isAbout = (event: KubeObject): boolean => text(event, 'involvedObject', 'uid') === uid;
  const lines = store
    .list('Event', namespace)
    .filter(isAbout)
    .sort((a, b) => ((text(a, 'lastTimestamp') ?? '') < (text(b, 'lastTimestamp') ?? '') ? -1 : 1))
    .map(lineOf);
  begin(response);
  const { tailLines } = options;
  response.write(
    (tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - tailLines))).join(''),
  );
  if (!options.follow) {
    response.end();
    return;
  }
  // What happened once more is said once more: the event is the same, its count is another.
  const stop = store.onChange(({ type, object }: Change) => {
    if (object.kind === 'Event' && type !== 'DELETED' && isAbout(object)) response.write(lineOf(object));
  });
  endWithPod(store, pod, { response, stop });
}

const lineOf = (event: KubeObject): string =>
  `${text(event, 'lastTimestamp') ?? ''} ${text(event, 'reason') ?? ''}: ${text(event, 'message') ?? ''}\n`;
