import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** A file of the page, as it goes out. */
export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

/** No script but these files, no address but this one; xterm.js draws with style elements of its own. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const require = createRequire(import.meta.url);

const fromPackage: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/xterm.css': ['@xterm/xterm/css/xterm.css', 'text/css'],
  '/xterm.mjs': ['@xterm/xterm/lib/xterm.mjs', 'text/javascript'],
  '/addon-fit.mjs': ['@xterm/addon-fit/lib/addon-fit.mjs', 'text/javascript'],
};

/**
 * The page that a terminal has without the portal, at `<host>-ttyd.<domain>`: a real ttyd brings its own. Undefined for
 * any other path.
 */
export function pageFile(path: string, title: string): PageFile | undefined {
  if (path === '/') return { type: 'text/html', body: Buffer.from(html(title)) };
  if (path === '/page.mjs') return { type: 'text/javascript', body: Buffer.from(SCRIPT) };
  const known = Object.hasOwn(fromPackage, path) ? fromPackage[path] : undefined;
  if (known === undefined) return undefined;
  const [file, type] = known;
  return { type, body: readFileSync(require.resolve(file)) };
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const html = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="xterm.css">
<style>html, body { margin: 0; height: 100%; background: #14161a } #terminal { height: 100dvh; padding: 6px; box-sizing: border-box }</style>
</head>
<body>
<div id="terminal"></div>
<noscript>This terminal needs JavaScript.</noscript>
<script type="module" src="page.mjs"></script>
</body>
</html>
`;

/** Runs in the browser. The session is `?arg=`, as with ttyd. Large output is taken as fast as it is drawn. */
const SCRIPT = `import { Terminal } from './xterm.mjs';
import { FitAddon } from './addon-fit.mjs';

const HIGH_WATER = 256 * 1024, LOW_WATER = 64 * 1024;
const theme = { background: '#14161a', foreground: '#e6e6e6', cursor: '#e6e6e6' };
const terminal = new Terminal({ theme, fontFamily: 'ui-monospace, Menlo, Consolas, monospace', scrollback: 10000 });
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(document.getElementById('terminal'));
fit.fit();
new ResizeObserver(() => fit.fit()).observe(document.getElementById('terminal'));

const encoder = new TextEncoder(), decoder = new TextDecoder();
let socket, waiting = 0, paused = false;
const isOpen = () => socket !== undefined && socket.readyState === WebSocket.OPEN;
const send = (command, payload) => {
  if (!isOpen()) return;
  const frame = new Uint8Array(payload.length + 1);
  frame[0] = command.charCodeAt(0);
  frame.set(payload, 1);
  socket.send(frame);
};
const sendText = (command, text = '') => send(command, encoder.encode(text));

function drawn(bytes) {
  waiting -= bytes;
  if (!paused || waiting > LOW_WATER) return;
  paused = false;
  sendText('3');
}

function read({ data }) {
  const bytes = new Uint8Array(data), payload = bytes.subarray(1);
  if (bytes[0] === 0x31) document.title = decoder.decode(payload);
  if (bytes[0] !== 0x30) return;
  waiting += payload.length;
  if (!paused && waiting > HIGH_WATER) {
    paused = true;
    sendText('2');
  }
  terminal.write(payload, () => drawn(payload.length));
}

async function connect() {
  const answer = await fetch('token');
  if (!answer.ok) throw new Error('The terminal did not accept the credential.');
  const { token } = await answer.json();
  const address = new URL('ws' + location.search, location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  paused = false;
  socket = new WebSocket(address, 'tty');
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => {
    // The server sends again what it remembers.
    terminal.reset();
    socket.send(encoder.encode(JSON.stringify({ AuthToken: token, columns: terminal.cols, rows: terminal.rows })));
    terminal.focus();
  };
  socket.onmessage = read;
  socket.onclose = ({ reason }) => ended(reason);
}

function ended(reason) {
  socket = undefined;
  terminal.write('\\r\\n\\x1b[33m' + (reason || 'The connection was lost.') + ' Press Enter to connect again.\\x1b[0m\\r\\n');
}

function open() {
  connect().catch((error) => ended(error.message));
}

terminal.onData((data) => {
  if (isOpen()) sendText('0', data);
  else if (socket === undefined && data === '\\r') open();
});
terminal.onBinary((data) => send('0', Uint8Array.from(data, (character) => character.charCodeAt(0))));
terminal.onResize(({ cols, rows }) => sendText('1', JSON.stringify({ columns: cols, rows })));
open();
`;
