import { apiVersionOf } from '../store/kinds.js';
import type { KubeObject } from '../store/object.js';
import { fieldSelector, labelSelector, SelectorError, type Matches } from '../store/selectors.js';
import type { Store } from '../store/store.js';
import { deletePod } from './pod-delete.js';
import { podLog } from './pod-log.js';
import { isOn, json, jsonBody, wholeNumber, type Exchange } from './replies.js';
import type { Target } from './request-path.js';
import type { ApiServerOptions } from './server.js';
import { badRequest, inTheTerminal, notAllowed, notFound } from './status.js';
import { asksForTable, table } from './tables.js';
import { watch } from './watch.js';

export type ResourceTarget = Extract<Target, { type: 'resource' }>;

/** Clients ask for at most 10 minutes; without a wish a watch ends after half an hour. */
const WATCH_SECONDS = 1800;

/** Answers for one kind: get, list, watch, a pod's log, and deleting a pod (it comes back). */
export class Resources {
  constructor(
    private readonly store: Store,
    private readonly doing: Pick<ApiServerOptions, 'snapshot' | 'usage' | 'agent' | 'containerLog'> = {},
  ) {}

  async answer(target: ResourceTarget, exchange: Exchange): Promise<void> {
    const { method = 'GET' } = exchange.request;
    if (target.subresource === 'snapshot') await this.#snapshot(target, exchange);
    else if (target.subresource === 'usage') await this.#usage(target, exchange);
    else if (target.subresource === 'agent') await this.#agent(target, exchange);
    else if (target.subresource !== undefined) await this.#subresource(target, exchange);
    else if (method === 'GET') this.#read(target, exchange);
    else if (method === 'DELETE' && target.kind.kind === 'Pod' && target.name !== undefined)
      await deletePod(this.store, this.#find(target), exchange);
    else throw notAllowed(method);
  }

  /** The pod that an `exec` is about. Throws where there is none, or something else was asked for. */
  podToExec(target: ResourceTarget): KubeObject {
    const { kind, subresource = '' } = target;
    if (kind.kind === 'Pod' && IN_THE_TERMINAL.includes(subresource)) throw inTheTerminal(subresource);
    if (kind.kind !== 'Pod' || subresource !== 'exec') throw badRequest('Only exec is served this way.');
    return this.#find(target);
  }

  /** The engine's own: on a cluster nothing keeps workspaces this way. */
  async #snapshot(target: ResourceTarget, { request, response }: Exchange): Promise<void> {
    const { snapshot } = this.doing;
    if (target.kind.kind !== 'Pod' || snapshot === undefined)
      throw notFound(`${target.kind.plural} have no "snapshot" here.`);
    if (request.method !== 'POST') throw notAllowed(request.method ?? '');
    const pod = this.#find(target);
    json(response, await snapshot(pod, await jsonBody(request)), 201);
  }

  /** The engine's own too: kubelets tell it of all their pods at once. */
  async #usage(target: ResourceTarget, { request, response }: Exchange): Promise<void> {
    const { usage } = this.doing;
    if (usage === undefined) throw notFound(`${target.kind.plural} have no "usage" here.`);
    if (request.method !== 'GET') throw notAllowed(request.method ?? '');
    json(response, await usage(this.#find(target)));
  }

  /** The engine's own too: about the machine, and so a part of its Node. */
  async #agent(target: ResourceTarget, { request, response }: Exchange): Promise<void> {
    const { agent } = this.doing;
    if (target.kind.kind !== 'Node' || agent === undefined)
      throw notFound(`${target.kind.plural} have no "agent" here.`);
    this.#find(target);
    if (request.method === 'GET') json(response, await agent.state());
    else if (request.method === 'POST') json(response, await agent.act(await jsonBody(request)), 201);
    else throw notAllowed(request.method ?? '');
  }

  #read(target: ResourceTarget, exchange: Exchange): void {
    if (isOn(exchange.query, 'watch')) this.#watch(target, exchange);
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
    const { request, response, query } = exchange;
    json(response, asksForTable(request.headers.accept) ? this.#table([object], { target, query }) : object);
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
    const metadata = {
      resourceVersion: String(this.store.version),
      ...(more
        ? { continue: String(offset + page.length), remainingItemCount: all.length - offset - page.length }
        : {}),
    };
    const asTable = asksForTable(request.headers.accept);
    json(
      response,
      asTable
        ? { ...this.#table(page, { target, query }), metadata }
        : { kind: `${kind.kind}List`, apiVersion: apiVersionOf(kind), metadata, items: page },
    );
  }

  #table(
    objects: readonly KubeObject[],
    { target, query }: { target: ResourceTarget; query: URLSearchParams },
  ): object {
    return table(target.kind.kind, objects, {
      resourceVersion: this.store.version,
      include: query.get('includeObject') ?? 'Metadata',
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
        initialEvents: isOn(query, 'sendInitialEvents'),
        timeoutSeconds: Math.min(wholeNumber(query, 'timeoutSeconds') || WATCH_SECONDS, WATCH_SECONDS),
        bookmarks: isOn(query, 'allowWatchBookmarks'),
        show: (object) => (asTable ? this.#table([object], { target, query }) : object),
      },
      response,
    );
  }

  async #subresource(target: ResourceTarget, exchange: Exchange): Promise<void> {
    const { kind, subresource = '' } = target;
    const { method = 'GET' } = exchange.request;
    const object = this.#find(target);
    if (kind.kind === 'Pod') refuseStreams(subresource);
    if (method !== 'GET') throw notAllowed(method);
    if (kind.kind === 'Pod' && subresource === 'log')
      await podLog(this.store, object, { ...exchange, log: this.doing.containerLog?.(object) });
    else if (subresource === 'status') this.#get(target, exchange);
    else throw notFound(`${kind.plural} have no "${subresource}" here.`);
  }
}

function refuseStreams(subresource: string): void {
  if (subresource === 'exec')
    throw badRequest('exec needs a connection that can be upgraded to a WebSocket.');
  if (IN_THE_TERMINAL.includes(subresource)) throw inTheTerminal(subresource);
}

/** What would reach into a running sandbox. */
const IN_THE_TERMINAL: readonly string[] = ['attach', 'portforward'];

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
