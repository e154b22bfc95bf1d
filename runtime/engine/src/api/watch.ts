import type { ServerResponse } from 'node:http';
import type { Kind } from '../store/kinds.js';
import { apiVersionOf } from '../store/kinds.js';
import type { KubeObject } from '../store/object.js';
import type { Matches } from '../store/selectors.js';
import type { Change, ChangeType, Store } from '../store/store.js';
import { gone, statusObject } from './status.js';

export interface WatchRequest {
  readonly kind: Kind;
  readonly matches: Matches;
  /** Undefined or 0: what is there comes first, as ADDED. */
  readonly from: number | undefined;
  /** What is there comes first, whatever `from` says, and then a bookmark that says that this was all. */
  readonly initialEvents: boolean;
  readonly timeoutSeconds: number;
  readonly bookmarks: boolean;
  readonly show: (object: KubeObject) => object;
}

const BOOKMARK_MS = 30_000;
/** A client that does not read is cut off before it costs memory: it lists again. */
const MAX_BEHIND = 8 * 1024 * 1024;

/** One JSON line a change, until the time is up or the client leaves. */
export function watch(store: Store, request: WatchRequest, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  // Clients wait for the headers before they believe that the watch is there.
  response.flushHeaders();
  const send = (type: string, object: object): void => {
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_BEHIND) response.destroy();
  };
  const fromStart = request.initialEvents || request.from === undefined || request.from === 0;
  const missed = fromStart ? initial(store, request) : store.since(request.from);
  if (missed === undefined) {
    send('ERROR', statusObject(gone()));
    response.end();
    return;
  }
  const tell = (change: Change): void => {
    const type = change.object.kind === request.kind.kind ? typeFor(change, request.matches) : undefined;
    if (type !== undefined) send(type, request.show(change.object));
  };
  missed.forEach(tell);
  if (request.initialEvents) send('BOOKMARK', bookmarkOf(request.kind, store.version, THAT_WAS_ALL));
  const unsubscribe = store.onChange(tell);
  const bookmark = setInterval(() => {
    if (request.bookmarks) send('BOOKMARK', bookmarkOf(request.kind, store.version));
  }, BOOKMARK_MS);
  const timeout = setTimeout(() => response.end(), request.timeoutSeconds * 1000);
  response.on('close', () => {
    unsubscribe();
    clearInterval(bookmark);
    clearTimeout(timeout);
  });
}

/** For who selects, an object comes and goes with what is selected by: a pod that ends leaves `status.phase=Running`. */
function typeFor({ type, object, before }: Change, matches: Matches): ChangeType | undefined {
  const was = before !== undefined && matches(before);
  const is = type !== 'DELETED' && matches(object);
  if (is) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

const initial = (store: Store, { kind }: WatchRequest): readonly Change[] =>
  store.list(kind.kind).map((object) => ({ type: 'ADDED', object, version: store.version }));

/** What clients wait for that read a list as a watch (WatchList): client-go does from Kubernetes 1.35 on. */
const THAT_WAS_ALL = { annotations: { 'k8s.io/initial-events-end': 'true' } };

const bookmarkOf = (kind: Kind, version: number, more: object = {}): object => ({
  kind: kind.kind,
  apiVersion: apiVersionOf(kind),
  metadata: { resourceVersion: String(version), creationTimestamp: null, ...more },
});
