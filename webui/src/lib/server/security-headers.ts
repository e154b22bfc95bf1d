const headers: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
};

/** For what is no page: a browser that is made to show it runs and loads nothing. Pages bring a policy of their own. */
const NO_PAGE = "default-src 'none'; frame-ancestors 'none'";

/** The same for what is answered past SvelteKit. */
export const apiHeaders = (requestId: string): Readonly<Record<string, string>> => ({
  ...headers,
  'x-request-id': requestId,
  'content-security-policy': NO_PAGE,
  'cache-control': 'private, no-store',
});

export function addSecurityHeaders(response: Response, options: { isApi: boolean; requestId: string }): void {
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  response.headers.set('x-request-id', options.requestId);
  if (options.isApi) response.headers.set('content-security-policy', NO_PAGE);
  // What a person sees is theirs: no cache between here and the browser keeps it, and "back" after signing out asks.
  if (!response.headers.has('cache-control')) response.headers.set('cache-control', 'private, no-store');
}
