import type { ForwardAuth, IngressTarget } from '../ingress/types.js';
import { list, number, text, type KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';

/**
 * Where a host's requests go: Ingress, its Service, the Service's EndpointSlice. The index of hosts follows the
 * Ingresses, so that a request costs the same however many there are.
 */
export class IngressLookup {
  readonly #byHost = new Map<string, KubeObject>();

  constructor(private readonly store: Store) {
    store.onChange(({ type, object }) => {
      if (object.kind !== 'Ingress') return;
      for (const [host, ingress] of this.#byHost)
        if (ingress.metadata.uid === object.metadata.uid) this.#byHost.delete(host);
      if (type !== 'DELETED') for (const host of hostsOf(object)) this.#byHost.set(host, object);
    });
  }

  find(host: string): IngressTarget | undefined {
    const ingress = this.#byHost.get(host);
    if (ingress === undefined) return undefined;
    const rule = list(ingress, 'spec', 'rules').find((entry) => text(entry, 'host') === host);
    const backend = list(rule, 'http', 'paths')[0];
    const service = text(backend, 'backend', 'service', 'name') ?? '';
    const port = number(backend, 'backend', 'service', 'port', 'number');
    const address = this.#address(ingress.metadata.namespace, { service, port });
    const project = ingress.metadata.labels?.['fullstackagent.dev/project'] ?? 'The app';
    return address === undefined
      ? { state: 'waiting', message: `${project} is not running.` }
      : { state: 'ready', port: address, ...authOf(ingress) };
  }

  #address(
    namespace: string | undefined,
    wanted: { service: string; port: number | undefined },
  ): number | undefined {
    const service = this.store.get({ kind: 'Service', namespace, name: wanted.service });
    const declared = list(service, 'spec', 'ports').find((entry) => number(entry, 'port') === wanted.port);
    const slice = this.store.get({ kind: 'EndpointSlice', namespace, name: wanted.service });
    const ready = list(slice, 'endpoints').some(
      (endpoint) => text(endpoint, 'addresses', 0) !== undefined && isReady(endpoint),
    );
    if (!ready) return undefined;
    const entry = list(slice, 'ports').find((port) => text(port, 'name') === text(declared, 'name'));
    return number(entry, 'port');
  }
}

const NGINX = 'nginx.ingress.kubernetes.io';

/** The manifests are those of a cluster, and so are the annotations that say whom to ask. */
function authOf({ metadata }: KubeObject): { readonly auth?: ForwardAuth } {
  const url = metadata.annotations?.[`${NGINX}/auth-url`];
  if (url === undefined) return {};
  return { auth: { url, signIn: metadata.annotations?.[`${NGINX}/auth-signin`] } };
}

const isReady = (endpoint: unknown): boolean =>
  (endpoint as { conditions?: { ready?: boolean } }).conditions?.ready === true;

const hostsOf = (ingress: KubeObject): readonly string[] =>
  list(ingress, 'spec', 'rules').flatMap((rule) => {
    const host = text(rule, 'host');
    return host === undefined ? [] : [host];
  });
