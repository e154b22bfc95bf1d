import type { Readable } from 'node:stream';
import { WebSocket, type RawData } from 'ws';
import { AppError } from '../contract/errors.js';
import type { SshGreeting } from '../contract/ssh.js';
import { terminalCloseCodes } from '../contract/terminal.js';
import { closeWith, endOf, keepAlive } from './sockets.js';
import type { SshServer } from './ssh.js';
import { bytesOf } from './terminal-frames.js';

export interface SshBridgeOptions {
  /** Asked at every ping: a person who was removed loses open connections too. */
  readonly stillAllowed: () => boolean;
  readonly pingIntervalMs: number;
}

/** What a shell says of a program that a signal ended. */
const BY_SIGNAL = 128;
const NOT_BYTES = 1003;

/**
 * Joins a client's WebSocket with an SSH server. Whichever side reads slowly slows the other one, and the memory here
 * holds a message or two. Resolves with how the connection ended, and the server with it; never rejects.
 */
export async function bridgeSsh(
  client: WebSocket,
  { hostKey, program }: SshServer,
  options: SshBridgeOptions,
): Promise<{ code: number; reason: string }> {
  const notAllowedWords = 'You may no longer use this sandbox.';
  const stopPinging = keepAlive([client], { ...options, notAllowedWords });
  client.on('error', () => client.terminate());
  client.on('message', (data: RawData, isBinary: boolean) => {
    if (!isBinary) closeWith(client, NOT_BYTES, 'SSH is binary.');
    else if (program.stdin.writable && !program.stdin.write(bytesOf(data))) client.pause();
  });
  for (const event of ['drain', 'close', 'error'])
    program.stdin.on(event, () => {
      client.resume();
    });
  const ended = endOf(client);
  client.send(JSON.stringify({ hostKey } satisfies SshGreeting));
  const told = tell(client, program.stdout, program.ended);
  const end = await ended;
  stopPinging();
  // The server hears that its input has ended, and goes; where that does not reach it, the connection breaking does.
  program.stdin.end();
  program.abort();
  await told;
  return end;
}

/** All that the server says, and then why it says no more. */
async function tell(
  client: WebSocket,
  output: Readable,
  ended: SshServer['program']['ended'],
): Promise<void> {
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) await sent(client, chunk);
    const { exitCode } = await ended;
    if (exitCode < BY_SIGNAL || exitCode === 255) closeWith(client, 1000, '');
    else closeWith(client, terminalCloseCodes.notRunning, 'The sandbox was stopped.');
  } catch (error) {
    const words = error instanceof AppError ? error.message : 'The connection to the sandbox was lost.';
    closeWith(client, terminalCloseCodes.lost, words);
  }
}

/** Resolves when the message has left, or never will. */
function sent(client: WebSocket, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (client.readyState !== WebSocket.OPEN) resolve();
    else
      client.send(chunk, { binary: true }, () => {
        resolve();
      });
  });
}
