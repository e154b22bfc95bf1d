import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex, PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../contract/errors.js';
import { until } from '../shared/cluster-for-tests.js';
import type { ExecEnd, SandboxProgram } from './exec-stream.js';
import { bridgeSsh, type SshBridgeOptions } from './ssh-bridge.js';

const HOST_KEY = `ssh-ed25519 ${'A'.repeat(68)}`;
const MIB = 1024 * 1024;

let server: WebSocketServer;
let options: SshBridgeOptions;
let ends: Promise<{ code: number }>[];
const children: ChildProcess[] = [];

beforeEach(async () => {
  options = { stillAllowed: () => true, pingIntervalMs: 20_000 };
  ends = [];
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
});
afterEach(() => {
  for (const client of server.clients) client.terminate();
  server.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process of this machine, in the place of an SSH server in a sandbox. */
function process(script: string): SandboxProgram {
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  const ended = new Promise<ExecEnd>((resolve) => {
    child.once('close', (code, signal) => {
      resolve({ exitCode: code ?? (signal === 'SIGTERM' ? 143 : 137), complaint: '' });
    });
  });
  return { stdin: child.stdin, stdout: child.stdout, ended, abort: () => child.kill('SIGKILL') };
}

async function open(program: SandboxProgram): Promise<{ socket: WebSocket; messages: Buffer[] }> {
  server.once('connection', (client) => {
    ends.push(bridgeSsh(client, { hostKey: HOST_KEY, program }, options));
  });
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const messages: Buffer[] = [];
  const [greeting, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
  expect(isBinary).toBe(false);
  expect(JSON.parse(greeting.toString())).toEqual({ hostKey: HOST_KEY });
  socket.on('message', (data) => messages.push(data as Buffer));
  return { socket, messages };
}

const closing = async (socket: WebSocket): Promise<[number, string]> => {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, reason.toString()];
};

describe('an SSH connection', () => {
  test('carries bytes both ways, as they are, and ends with the server', async () => {
    const { socket, messages } = await open(process('head -c 5'));
    const closed = closing(socket);
    socket.send(Buffer.from([0xff, 0, 0x0a]));
    socket.send(Buffer.from([0xc3, 0x28]));
    expect(await closed).toEqual([1000, '']);
    expect(Buffer.concat(messages)).toEqual(Buffer.from([0xff, 0, 0x0a, 0xc3, 0x28]));
    expect(await ends[0]).toMatchObject({ code: 1000 });
  });

  test('ends the server when the client leaves, in whichever way', async () => {
    for (const leave of [(socket: WebSocket) => socket.close(), (socket: WebSocket) => socket.terminate()]) {
      const program = process('exec sleep 600');
      const { socket } = await open(program);
      leave(socket);
      expect((await program.ended).exitCode).toBe(137);
    }
    await Promise.all(ends);
  });

  test('whose client reads slowly holds the server, not the memory', async () => {
    const output = new PassThrough({ highWaterMark: MIB });
    let produced = 0;
    const flood = new Duplex({
      highWaterMark: MIB,
      write: (_chunk, _encoding, done) => {
        done();
      },
      read: () => {
        produced += 1;
        flood.push(produced > 512 ? null : Buffer.alloc(256 * 1024, produced));
      },
    });
    flood.pipe(output);
    const program = {
      stdin: new PassThrough(),
      stdout: output,
      ended: once(output, 'end').then(() => ({ exitCode: 0, complaint: '' })),
      abort: () => undefined,
    };
    const { socket, messages } = await open(program);
    socket.pause();
    let before = -1;
    // What fits into the sockets' own buffers leaves; then nothing moves any more.
    await until(() => {
      const stands = produced > 0 && produced === before;
      before = produced;
      return stands;
    }, 'the server to be held');
    expect(produced).toBeLessThan(512);
    const closed = closing(socket);
    socket.resume();
    expect(await closed).toEqual([1000, '']);
    expect(Buffer.concat(messages).length).toBe(512 * 256 * 1024);
  });

  test('whose server reads slowly holds the client, and loses nothing', async () => {
    const waiting: (() => void)[] = [];
    let taken = 0;
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        taken += chunk.length;
        if (waiting.length > 100) done();
        else waiting.push(done);
      },
    });
    const ended = new Promise<ExecEnd>(() => undefined);
    const { socket } = await open({ stdin, stdout: new PassThrough(), ended, abort: () => undefined });
    for (let index = 0; index < 128; index++) socket.send(Buffer.alloc(MIB / 2));
    await until(() => waiting.length === 1, 'the first write');
    expect(socket.bufferedAmount).toBeGreaterThan(0);
    expect(taken).toBe(MIB / 2);
    while (taken < 64 * MIB) {
      await until(() => waiting.length > 0 || taken === 64 * MIB, 'the next write');
      waiting.shift()?.();
    }
    await until(() => socket.bufferedAmount === 0, 'the client to have sent it all');
  });

  test('takes no text', async () => {
    const { socket } = await open(process('exec cat'));
    socket.send('SSH-2.0-text');
    expect(await closing(socket)).toEqual([1003, 'SSH is binary.']);
  });

  test('ends when the person may no longer use the sandbox', async () => {
    options = { stillAllowed: () => false, pingIntervalMs: 10 };
    const program = process('exec cat');
    const { socket } = await open(program);
    expect(await closing(socket)).toEqual([4403, 'You may no longer use this sandbox.']);
    await program.ended;
  });

  test('says that the sandbox was stopped, or lost', async () => {
    const stopped = await open(process('kill -TERM $$'));
    expect(await closing(stopped.socket)).toEqual([4404, 'The sandbox was stopped.']);
    const lost = new AppError('CLUSTER_UNREACHABLE', 'The connection to the sandbox was lost.');
    const stdout = new PassThrough();
    const program = { stdin: new PassThrough(), stdout, ended: Promise.reject(lost), abort: () => undefined };
    program.ended.catch(() => undefined);
    const { socket } = await open(program);
    stdout.destroy(lost);
    expect(await closing(socket)).toEqual([4502, 'The connection to the sandbox was lost.']);
  });
});
