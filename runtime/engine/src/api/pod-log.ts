import { text, type KubeObject } from '../store/object.js';
import type { Change, Store } from '../store/store.js';
import { isOn, wholeNumber, type Exchange } from './replies.js';

/**
 * The log of a pod: what the engine did with it, a line each. What people run prints into their terminals and is
 * nobody else's business; of a release, which has no terminal, it is the end of the log. With `follow`, until the pod is gone or the client leaves.
 */
export function podLog(
  store: Store,
  pod: KubeObject,
  { response, query, output }: Exchange & { readonly output?: string | undefined },
): void {
  const { namespace, uid } = pod.metadata;
  const isAbout = (event: KubeObject): boolean => text(event, 'involvedObject', 'uid') === uid;
  const events = store.list('Event', namespace).filter(isAbout).map(lineOf);
  const lines = [...events, ...printed(output)];
  const last = wholeNumber(query, 'tailLines');
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  for (const line of last === undefined ? lines : lines.slice(Math.max(0, lines.length - last)))
    response.write(line);
  if (!isOn(query, 'follow')) {
    response.end();
    return;
  }
  response.flushHeaders();
  const unsubscribe = store.onChange(({ type, object }: Change) => {
    if (object.kind === 'Event' && type === 'ADDED' && isAbout(object)) response.write(lineOf(object));
    if (object.metadata.uid === uid && type === 'DELETED') response.end();
  });
  response.on('close', unsubscribe);
}

const printed = (output = ''): readonly string[] => output.split(/(?<=\n)/).filter((line) => line !== '');

const lineOf = (event: KubeObject): string =>
  `${text(event, 'lastTimestamp') ?? ''} ${text(event, 'reason') ?? ''}: ${text(event, 'message') ?? ''}\n`;
