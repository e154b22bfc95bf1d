import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { WebSocket } from 'ws';
import type { ExecProcess } from './types.js';

/** Kubernetes' `channel.k8s.io`: the first byte of each message says which stream it belongs to. */
const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const RESIZE = 4;
/** Version 5 only: the stream in the next byte has ended. */
const CLOSE = 255;

export const EXEC_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

const HIGH_WATER = 1024 * 1024;
const LOW_WATER = 128 * 1024;
const DRAIN_CHECK_MS = 10;

export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Joins a client and a program until one of them ends. */
export function joinExec(client: WebSocket, running: ExecProcess, wanted: Wanted): void {
  const sent = [
    ...(wanted.stdout ? [pump(client, STDOUT, running.stdout)] : [drained(running.stdout)]),
    ...(running.stderr === undefined
      ? []
      : [wanted.stderr ? pump(client, STDERR, running.stderr) : drained(running.stderr)]),
  ];
  client.on('message', (data: Buffer) => {
    receive(client, running, data);
  });
  for (const event of ['drain', 'close'])
    running.stdin.on(event, () => {
      client.resume();
    });
  client.on('error', () => client.terminate());
  client.on('close', () => {
    running.hangUp();
  });
  if (!wanted.stdin) running.stdin.end();
  void running.ended.then(async ({ exitCode }) => {
    await Promise.all(sent);
    sendStatus(client, exitStatus(exitCode));
    client.close(1000);
  });
}

function receive(client: WebSocket, running: ExecProcess, message: Buffer): void {
  const { stdin } = running;
  const [channel, second] = message;
  const data = message.subarray(1);
  if (channel === STDIN && data.length > 0 && stdin.writable) {
    if (stdin.write(data)) return;
    // The program does not read: neither do we, until it does or is gone.
    client.pause();
  } else if (channel === RESIZE) {
    const size = sizeOf(data);
    if (size !== undefined) running.resize(size);
  } else if (channel === CLOSE && second === STDIN) stdin.end();
}

function sizeOf(data: Buffer): { columns: number; rows: number } | undefined {
  try {
    const { Width: columns, Height: rows } = JSON.parse(data.toString('utf8')) as Record<string, unknown>;
    const isSize = (value: unknown): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535;
    return isSize(columns) && isSize(rows) ? { columns, rows } : undefined;
  } catch {
    return undefined;
  }
}

/** Sends what a program says, as fast as the client takes it. */
async function pump(client: WebSocket, channel: number, stream: Readable): Promise<void> {
  const head = Buffer.of(channel);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (client.readyState !== client.OPEN) continue;
    client.send(Buffer.concat([head, chunk]));
    if (client.bufferedAmount > HIGH_WATER) await drain(client);
  }
}

function drained(stream: Readable): Promise<void> {
  stream.resume();
  return finished(stream).catch(() => undefined);
}

function drain(client: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    const checking = setInterval(() => {
      if (client.readyState === client.OPEN && client.bufferedAmount > LOW_WATER) return;
      clearInterval(checking);
      resolve();
    }, DRAIN_CHECK_MS);
  });
}

export function sendStatus(client: WebSocket, status: object): void {
  if (client.readyState === client.OPEN)
    client.send(Buffer.concat([Buffer.of(ERROR), Buffer.from(JSON.stringify(status))]));
}

/** How a kubelet tells of an exit: clients take the code from `causes`. */
export function exitStatus(exitCode: number, message?: string): object {
  const base = { metadata: {}, kind: 'Status', apiVersion: 'v1' };
  if (exitCode === 0) return { ...base, status: 'Success' };
  return {
    ...base,
    status: 'Failure',
    message: message ?? `command terminated with non-zero exit code: ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}
