/** What the decision needs to know of a request. */
export interface OriginFacts {
  readonly method: string;
  /** The portal's own origin. */
  readonly portal: string;
  readonly origin: string | null;
  /** `Sec-Fetch-Site`: browsers set it, pages cannot. */
  readonly fetchSite: string | null;
  /** The browser added a cookie by itself, or might have. */
  readonly carriesCookie: boolean;
  readonly isApi: boolean;
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Whether a request that changes something may be what another site made a browser send. A program that is no browser
 * names no origin: it may use the API, unless it shows a cookie.
 */
export function isCrossSite(facts: OriginFacts): boolean {
  if (SAFE_METHODS.includes(facts.method)) return false;
  if (facts.origin === facts.portal || facts.fetchSite === 'same-origin') return false;
  const namesNothing = facts.origin === null && facts.fetchSite === null;
  return !(namesNothing && facts.isApi && !facts.carriesCookie);
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * A WebSocket's origin: the portal's, or, on this machine, the host that was asked (a forwarded port). Browsers send
 * `Origin` with every WebSocket and no `Sec-Fetch-Site`.
 */
export function isOwnOrigin(
  origin: string | undefined,
  facts: { portal: string; host: string | undefined },
): boolean {
  if (origin === undefined) return false;
  if (origin === facts.portal) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname, host } = new URL(origin);
  return protocol === 'http:' && LOOPBACK.test(hostname) && host === facts.host;
}

/** Where a page on a loopback address should be asked for instead: cookies belong to the one host in ORIGIN. */
export function canonicalPage(host: string | null, url: URL): string | undefined {
  if (url.hostname !== 'localhost' || host === null || host === url.host) return undefined;
  const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? [];
  const otherName = name !== undefined && name !== 'localhost' && LOOPBACK.test(name);
  return otherName && (port ?? '') === url.port ? url.href : undefined;
}
