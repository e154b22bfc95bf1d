import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the ingress itself says instead of an app. `retryAfter`: seconds until asking again makes sense. */
export interface Notice {
  readonly status: 400 | 401 | 403 | 404 | 502 | 503;
  readonly title: string;
  readonly detail: string;
  /** Commands a person can copy. */
  readonly commands?: readonly string[];
  readonly retryAfter?: number;
}

export const badRequest: Notice = {
  status: 400,
  title: 'This request cannot be read',
  detail: 'The request does not say clearly which host it is for.',
};

export function unknownHost(host: string): Notice {
  return {
    status: 404,
    title: 'Nobody lives here',
    detail: `There is no app at ${host}. The project may have been deleted, or the address has a typing mistake.`,
  };
}

export const signInFirst: Notice = {
  status: 401,
  title: 'Sign in first',
  detail: 'This app is for members of its project.',
};

export const notForYou: Notice = {
  status: 403,
  title: 'This app is not for you',
  detail: 'You are signed in, and not a member of its project.',
};

export const nobodyToAsk: Notice = {
  status: 503,
  title: 'Nobody can say whether you may see this',
  detail: 'This app is for members of its project, and what knows them does not answer now.',
  retryAfter: 5,
};

export function waiting(message: string): Notice {
  return { status: 503, title: 'Not there yet', detail: message, retryAfter: 2 };
}

export const nothingListens: Notice = {
  status: 502,
  title: 'Nothing is listening on $PORT yet',
  detail: 'The sandbox is running, but no program in it answers. Start something in its terminal:',
  // What a development server takes as its port: Vite, Next.js, SvelteKit, Astro and others.
  commands: ['npm run dev -- --port $PORT', 'npx serve -l $PORT'],
  retryAfter: 2,
};

export const brokenApp: Notice = {
  status: 502,
  title: 'The app did not answer',
  detail: 'It took the connection and closed it without an answer. Its terminal may say why.',
};

/** Answers in the form the client prefers: a page for a browser, a problem document (RFC 9457) or text for others. */
export function sendNotice(request: IncomingMessage, response: ServerResponse, notice: Notice): void {
  const { type, body, csp } = rendered(request.headers.accept ?? '', notice);
  response.writeHead(notice.status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': csp,
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    vary: 'accept',
    ...(notice.retryAfter === undefined ? {} : { 'retry-after': String(notice.retryAfter) }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

function rendered(accept: string, notice: Notice): { type: string; body: string; csp: string } {
  if (/\btext\/html\b/i.test(accept)) {
    return { type: 'text/html; charset=utf-8', body: page(notice), csp: PAGE_POLICY };
  }
  if (/\bjson\b/i.test(accept)) {
    const { status, title, detail, commands } = notice;
    const body = JSON.stringify({ type: 'about:blank', title, status, detail, commands });
    return { type: 'application/problem+json', body, csp: NO_CONTENT_POLICY };
  }
  const lines = [notice.title, notice.detail, ...(notice.commands ?? []).map((command) => `  ${command}`)];
  return { type: 'text/plain; charset=utf-8', body: `${lines.join('\n')}\n`, csp: NO_CONTENT_POLICY };
}

const STYLE = `
:root { color-scheme: light dark; --ink: #18181b; --soft: #5b5b66; --paper: #fafafa; --card: #fff; --line: #e4e4e7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f4f4f5; --soft: #a1a1aa; --paper: #09090b; --card: #18181b; --line: #27272a; }
}
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 16px/1.6 system-ui, sans-serif; }
main { width: min(34rem, 100%); padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; }
p { color: var(--soft); overflow-wrap: anywhere; }
.status { font: 13px ui-monospace, monospace; margin-bottom: .5rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin-bottom: .5rem; overflow-wrap: anywhere; }
pre { margin-top: .75rem; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: 8px;
  background: var(--paper); font: 14px ui-monospace, monospace; overflow-x: auto; user-select: all; }
.again { margin-top: 1.25rem; font-size: .875rem; }
`;

/** The style is the only active part of the page; scripts, pictures and frames are refused. */
const PAGE_POLICY =
  `default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self' http://localhost:*; ` +
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`;

function page(notice: Notice): string {
  const again = notice.retryAfter;
  const commands = (notice.commands ?? []).map((command) => `<pre><code>${escapeHtml(command)}</code></pre>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${again === undefined ? '' : `<meta http-equiv="refresh" content="${again}">\n`}<title>${escapeHtml(notice.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="status">${notice.status}</p>
<h1>${escapeHtml(notice.title)}</h1>
<p>${escapeHtml(notice.detail)}</p>
${commands.join('\n')}
${again === undefined ? '' : '<p class="again">This page looks again by itself.</p>'}
</main>
</body>
</html>
`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
