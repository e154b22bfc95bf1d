import type { IncomingMessage, ServerResponse } from 'node:http';
import { apiVersionOf } from '../store/kinds.js';
import { text, type KubeObject } from '../store/object.js';
import { fieldSelector, labelSelector, SelectorError, type Matches } from '../store/selectors.js';
import type { Store } from '../store/store.js';
import type { Target } from './request-path.js';
import { badRequest, notAllowed, notFound } from './status.js';
import { asksForTable, table } from './tables.js';
import { watch } from './watch.js';

export type ResourceTarget = Extract<Target, { type: 'resource' }>;

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** Clients ask for at most 10 minutes; without a wish a watch ends after half an hour. */
const WATCH_SECONDS = 1800;

/** Answers for one kind: get, list, watch, a pod's log, and deleting a pod (it comes back). */
export class Resources {
  constructor(private readonly store: Store) {}

  answer(target: ResourceTarget, exchange: Exchange): void {
    const { method = 'GET' } = exchange.request;
    if (method === 'GET') this.#read(target, exchange);
    else if (
      method === 'DELETE' &&
      target.kind.kind === 'Pod' &&
      target.name !== undefined &&
      !target.subresource
    )
      this.#deletePod(target, exchange);
    else throw notAllowed(method);
  }

  #read(target: ResourceTarget, exchange: Exchange): void {
    const { query } = exchange;
    if (target.subresource !== undefined) this.#subresource(target, exchange);
    else if (query.get('watch') === 'true' || query.get('watch') === '1') this.#watch(target, exchange);
    else if (target.name === undefined) this.#list(target, exchange);
    else this.#get(target, exchange);
  }

  #find({ kind, namespace, name = '' }: ResourceTarget): KubeObject {
    const object = this.store.get({ kind: kind.kind, namespace, name });
    if (object === undefined) throw notFound(`${kind.plural} "${name}" not found`);
    return object;
  }

  #get(target: ResourceTarget, exchange: Exchange): void {
    const object = this.#find(target);
    const asTable = asksForTable(exchange.request.headers.accept);
    json(exchange.response, asTable ? table(target.kind.kind, [object], this.store.version) : object);
  }

  /** Pages are cut from one order; a page token is where to go on, and what changes between pages may show. */
  #list(target: ResourceTarget, { request, response, query }: Exchange): void {
    const { kind, namespace } = target;
    const matches = selector(target, query);
    const all = this.store.list(kind.kind, namespace).filter(matches).sort(byName);
    const offset = wholeNumber(query, 'continue') ?? 0;
    const limit = wholeNumber(query, 'limit') ?? 0;
    const page = limit === 0 ? all.slice(offset) : all.slice(offset, offset + limit);
    const more = offset + page.length < all.length;
    if (asksForTable(request.headers.accept)) {
      json(response, table(kind.kind, page, this.store.version));
      return;
    }
    json(response, {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: {
        resourceVersion: String(this.store.version),
        ...(more
          ? { continue: String(offset + page.length), remainingItemCount: all.length - offset - page.length }
          : {}),
      },
      items: page,
    });
  }

  #watch(target: ResourceTarget, { request, response, query }: Exchange): void {
    const { kind } = target;
    const asTable = asksForTable(request.headers.accept);
    watch(
      this.store,
      {
        kind,
        matches: selector(target, query),
        from: wholeNumber(query, 'resourceVersion'),
        timeoutSeconds: Math.min(wholeNumber(query, 'timeoutSeconds') ?? WATCH_SECONDS, WATCH_SECONDS),
        bookmarks: query.get('allowWatchBookmarks') === 'true',
        show: (object) => (asTable ? table(kind.kind, [object], this.store.version) : object),
      },
      response,
    );
  }

  #subresource(target: ResourceTarget, { response }: Exchange): void {
    const object = this.#find(target);
    if (target.kind.kind !== 'Pod' || target.subresource !== 'log')
      throw notFound(`${target.kind.plural} have no "${target.subresource ?? ''}" here.`);
    response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' }).end(this.#log(object));
  }

  /** What people run prints into their terminals; the log of the pod itself is what the engine did with it. */
  #log(pod: KubeObject): string {
    const lines = this.store
      .list('Event', pod.metadata.namespace)
      .filter((event) => text(event, 'involvedObject', 'uid') === pod.metadata.uid)
      .map((event) => `${text(event, 'lastTimestamp') ?? ''} ${text(event, 'message') ?? ''}\n`);
    return lines.join('');
  }

  #deletePod(target: ResourceTarget, { response }: Exchange): void {
    const pod = this.#find(target);
    const { namespace, name } = pod.metadata;
    json(response, this.store.markDeleted({ kind: 'Pod', namespace, name }, 10) ?? pod);
  }
}

const byName = (a: KubeObject, b: KubeObject): number => {
  const key = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
};

function selector({ kind, namespace, name }: ResourceTarget, query: URLSearchParams): Matches {
  try {
    const byLabel = labelSelector(query.get('labelSelector') ?? '');
    const byField = fieldSelector(query.get('fieldSelector') ?? '');
    return (object) =>
      object.kind === kind.kind &&
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (name === undefined || object.metadata.name === name) &&
      byLabel(object) &&
      byField(object);
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^\d{1,15}$/.test(value)) throw badRequest(`"${name}" is not a whole number.`);
  return Number(value);
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
