// The portal as a process: SvelteKit's handler, and the WebSocket upgrades that SvelteKit does not know.
import { createServer } from 'node:http';

const STOP_LIMIT_MS = 3_000;
const IDLE_CHECK_MS = 20;
const KEEP_ALIVE_MS = 65_000;
/** For a whole request: 2 GB over a slow line. What does not move at all is ended earlier (lib/server/files). */
const REQUEST_LIMIT_MS = 3_600_000;

// Read by SvelteKit's handler when it is imported. lib/server/config.ts has the same default for ORIGIN.
process.env.ORIGIN ||= `http://localhost:${process.env.PORT || 3000}`;
process.env.BODY_SIZE_LIMIT ||= '2M';
process.env.XFF_DEPTH ||= '1';

const { handler } = await import('./build/handler.js').catch(explain);
/** Put there by the hook `init` inside the bundle (lib/server/portal.ts). */
const portal = globalThis[Symbol.for('fullstackagent.portal')];

const server = createServer((request, response) => {
  // For static files; what SvelteKit answers sets all of its headers itself.
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (portal.git(request, response) || portal.files(request, response)) return;
  if (portal.webhooks(request, response)) return;
  if (isReadable(request.url)) handler(request, response, () => response.writeHead(404).end());
  else refuseAddress(response);
});
// Browsers and proxies keep connections; a proxy that keeps one longer than this server loses a request on it.
server.keepAliveTimeout = KEEP_ALIVE_MS;
server.headersTimeout = KEEP_ALIVE_MS + 5_000;
server.requestTimeout = REQUEST_LIMIT_MS;
server.on('upgrade', portal.upgrade);
server.on('error', (error) => {
  console.error(
    error.code === 'EADDRINUSE'
      ? `PORT ${portal.port} is in use on ${portal.host}.`
      : `The portal cannot listen on ${portal.host}:${portal.port}: ${error.message}`,
  );
  process.exit(1);
});
server.listen(portal.port, portal.host, () => {
  portal.ready.then(
    () => {
      portal.log('ready');
      process.send?.({ type: 'ready' });
    },
    () => undefined,
  );
});

let stopping = false;
for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(event, stop);

/** Ctrl-C reaches every process of a terminal, and the parent signals as well: a second signal is the usual case. */
async function stop() {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref();
  const closed = new Promise((resolve) => server.close(resolve));
  await portal.close().catch(() => undefined);
  // A connection is idle once its last answer has ended; those are kept for a next request that must not come.
  const closing = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  await closed;
  clearInterval(closing);
  portal.log('stopped');
  process.exit(0);
}

/** SvelteKit answers an address that cannot be decoded in plain text, before any hook runs. */
function isReadable(url = '/') {
  try {
    decodeURI(new URL(url, 'http://portal').pathname);
    return true;
  } catch {
    return false;
  }
}

function refuseAddress(response) {
  const problem = {
    type: 'urn:fullstackagent:problem:bad-request',
    title: 'The request cannot be read',
    status: 400,
    code: 'BAD_REQUEST',
    detail: 'The address cannot be read.',
  };
  response.writeHead(400, { 'Content-Type': 'application/problem+json; charset=utf-8' });
  response.end(JSON.stringify(problem));
}

/** SvelteKit reads ORIGIN before any line of ours runs, and would show where it did. */
function explain(error) {
  console.error(lineFor(error) ?? error);
  process.exit(1);
}

function lineFor({ code, message }) {
  if (code === 'ERR_MODULE_NOT_FOUND' && message.includes('build/handler.js'))
    return 'The portal is not built: run `npm run build` first.';
  if (message.startsWith('Invalid ORIGIN'))
    return 'ORIGIN is not right: an address that starts with http:// or https:// is needed.';
  return undefined;
}
