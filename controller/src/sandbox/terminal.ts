import { WebSocket, type RawData } from 'ws';
import { z } from 'zod';
import { AppError } from '../contract/errors.js';
import { terminalCloseCodes } from '../contract/terminal.js';
import type { Address } from './sandbox-access.js';
import { closeWith, endOf, keepAlive } from './sockets.js';
import { bytesOf, type Size } from './terminal-frames.js';
import type { Seat } from './terminal-seats.js';

export interface TerminalTarget {
  readonly address: Address;
  readonly token: string;
  /** Checked against SESSION_ID by the caller. */
  readonly session: string;
}

export interface BridgeOptions {
  readonly target: () => Promise<TerminalTarget>;
  readonly seat: Seat;
  /** Asked at every ping: a person who was removed loses open terminals too. */
  readonly stillAllowed: () => boolean;
  readonly pingIntervalMs: number;
  /** For the log: the browser is told no more than that it did not work. */
  readonly onUnexpected: (error: unknown) => void;
}

/** ttyd's opening message; whatever token a client sends is replaced. */
const opening = z.object({
  columns: z.int().min(1).max(2000).catch(80),
  rows: z.int().min(1).max(1000).catch(24),
});

const USER = 'user';
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const HANDSHAKE_LIMIT_MS = 10_000;

/**
 * Joins a browser's WebSocket with the ttyd of a sandbox. The sandbox's credential is put in here: a browser never
 * sees it, and what it sends as one is thrown away. Resolves with how the connection ended; never rejects.
 */
export async function bridgeTerminal(
  client: WebSocket,
  options: BridgeOptions,
): Promise<{ code: number; reason: string }> {
  client.pause();
  const ended = endOf(client);
  client.on('error', () => client.terminate());
  try {
    const target = await options.target();
    if (client.readyState === WebSocket.OPEN) join(client, dial(target), { ...options, token: target.token });
  } catch (error) {
    // Only what was written for a person is shown to one.
    const known = error instanceof AppError;
    if (!known) options.onUnexpected(error);
    closeWith(
      client,
      terminalCloseCodes.notRunning,
      known ? error.message : 'The terminal cannot be reached right now.',
    );
  }
  return ended;
}

const credentialOf = (token: string): string => Buffer.from(`${USER}:${token}`, 'utf8').toString('base64');

function dial({ address, token, session }: TerminalTarget): WebSocket {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return new WebSocket(`ws://${host}:${address.port}/ws?arg=${encodeURIComponent(session)}`, ['tty'], {
    headers: { Authorization: `Basic ${credentialOf(token)}` },
    handshakeTimeout: HANDSHAKE_LIMIT_MS,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
}

function join(
  client: WebSocket,
  sandbox: WebSocket,
  options: BridgeOptions & { readonly token: string },
): void {
  let opened = false;
  sandbox.once('open', () => {
    opened = true;
    // What it says before the client has said its first word waits.
    sandbox.pause();
    client.resume();
  });
  sandbox.on('error', () => {
    // 'close' follows; its handler says what the person reads.
  });
  sandbox.once('close', (code, reason) => {
    stopPinging();
    if (!opened)
      closeWith(client, terminalCloseCodes.notRunning, 'The terminal of this sandbox does not answer yet.');
    else if (code === 1005 || code === 1006 || code === 1015)
      closeWith(client, terminalCloseCodes.lost, 'The connection to the sandbox was lost.');
    else closeWith(client, code, reason.toString('utf8'));
  });
  client.once('close', (code, reason) => {
    stopPinging();
    if (sandbox.readyState === WebSocket.CONNECTING) sandbox.terminate();
    else closeWith(sandbox, code, reason.toString('utf8'));
  });
  client.once('message', (data) => {
    const asked = sizeAsked(data);
    if (asked === undefined) {
      closeWith(client, terminalCloseCodes.badOpening, 'The opening message of the terminal cannot be read.');
      return;
    }
    const size = options.seat.opening(asked);
    const leave = options.seat.join({ client, sandbox });
    client.once('close', leave);
    sandbox.send(openingMessage(options.token, size), { binary: true });
    sandbox.resume();
  });
  const { pingIntervalMs, stillAllowed } = options;
  const notAllowedWords = 'You may no longer use this terminal.';
  const stopPinging = keepAlive([client, sandbox], { pingIntervalMs, stillAllowed, notAllowedWords });
}

/** The client's columns and rows; undefined where it is no opening message. */
function sizeAsked(data: RawData): Size | undefined {
  try {
    return opening.parse(JSON.parse(bytesOf(data).toString('utf8')));
  } catch {
    return undefined;
  }
}

/** With the sandbox's credential. Without a size the terminal keeps the one it has. */
const openingMessage = (token: string, size: Size | undefined): Buffer =>
  Buffer.from(JSON.stringify({ AuthToken: credentialOf(token), ...size }), 'utf8');
