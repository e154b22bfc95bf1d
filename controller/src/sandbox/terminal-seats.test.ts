import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../shared/cluster-for-tests.js';
import { bridgeTerminal } from './terminal.js';
import { guestSeat, ownSeat, type Seat } from './terminal-seats.js';
import { TerminalSizes } from './terminal-sizes.js';

const TERMINAL = 'ns-abcd1234/blog/main';
const CREDENTIAL = Buffer.from('user:t').toString('base64');

let ttyd: WebSocketServer;
let controller: WebSocketServer;
let sizes: TerminalSizes;
let seats: Seat[];
/** What arrived at the sandbox on each connection, as text. */
let received: string[][];
let sandboxes: WebSocket[];

beforeEach(async () => {
  sizes = new TerminalSizes();
  seats = [];
  received = [];
  sandboxes = [];
  ttyd = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tty' });
  ttyd.on('connection', (socket) => {
    const messages: string[] = [];
    received.push(messages);
    sandboxes.push(socket);
    socket.on('message', (data) => messages.push((data as Buffer).toString()));
  });
  controller = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'tty' });
  controller.on('connection', (client) => {
    const seat = seats.shift();
    if (seat === undefined) throw new Error('Nobody was expected.');
    const address = { host: '127.0.0.1', port: (ttyd.address() as AddressInfo).port };
    void bridgeTerminal(client, {
      target: () => Promise.resolve({ address, token: 't', session: 'main' }),
      seat,
      stillAllowed: () => true,
      pingIntervalMs: 20_000,
      onUnexpected: () => undefined,
    });
  });
  await Promise.all([once(ttyd, 'listening'), once(controller, 'listening')]);
});

afterEach(() => {
  for (const server of [ttyd, controller]) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

/** A browser on this seat, which has said its first word. */
async function sit(
  seat: Seat,
  size = { columns: 100, rows: 30 },
): Promise<{ socket: WebSocket; seen: string[] }> {
  seats.push(seat);
  const at = received.length;
  const socket = new WebSocket(`ws://127.0.0.1:${(controller.address() as AddressInfo).port}/`, ['tty']);
  const seen: string[] = [];
  socket.on('message', (data) => seen.push((data as Buffer).toString()));
  socket.on('error', () => undefined);
  await once(socket, 'open');
  socket.send(JSON.stringify({ AuthToken: '', ...size }));
  await until(() => received[at]?.length === 1, 'the opening message');
  return { socket, seen };
}

const guest = (access: 'view' | 'write'): Seat => guestSeat(TERMINAL, { sizes, access });
const own = (): Seat => ownSeat(TERMINAL, sizes);

describe('a guest who may look', () => {
  test('sees everything, and nothing that is sent reaches the sandbox', async () => {
    const { socket, seen } = await sit(guest('view'));
    for (const message of ['0rm -rf /', '1{"columns":1,"rows":1}', '2', '3', '9x', '{"AuthToken":""}', '0'])
      socket.send(Buffer.from(message));
    sandboxes[0]?.send(Buffer.from('0hello'));
    await until(() => seen.includes('0hello'), 'the output');
    socket.ping();
    await once(socket, 'pong');
    // The pong came back on the same connection, behind everything that was sent.
    expect(received[0]).toHaveLength(1);
  });

  test('has the size of the owner, from the start and at every change', async () => {
    const owner = await sit(own(), { columns: 120, rows: 40 });
    const { seen } = await sit(guest('view'), { columns: 20, rows: 5 });
    expect(JSON.parse(received[1]?.[0] ?? '')).toEqual({ AuthToken: CREDENTIAL, columns: 120, rows: 40 });
    await until(() => seen.length === 1, 'the size');
    expect(seen[0]).toBe('S{"columns":120,"rows":40}');
    owner.socket.send('1{"columns":90,"rows":20}');
    await until(() => seen.length === 2, 'the new size');
    expect(seen[1]).toBe('S{"columns":90,"rows":20}');
    // Where tmux runs, the guest's own connection has to have it too.
    await until(() => received[1]?.length === 2, 'the size at the sandbox');
    expect(received[1]?.[1]).toBe('1{"columns":90,"rows":20}');
    expect(received[0]).toEqual([expect.any(String), '1{"columns":90,"rows":20}']);
  });

  test('asks for no size where nobody knows one', async () => {
    await sit(guest('view'));
    expect(JSON.parse(received[0]?.[0] ?? '')).toEqual({ AuthToken: CREDENTIAL });
  });

  test('is shown later what came while their page was busy', async () => {
    const { socket, seen } = await sit(guest('view'));
    socket.send('2');
    socket.ping();
    await once(socket, 'pong');
    sandboxes[0]?.send(Buffer.from('0one'));
    sandboxes[0]?.send(Buffer.from('0two'));
    sandboxes[0]?.ping();
    if (sandboxes[0] !== undefined) await once(sandboxes[0], 'pong');
    expect(seen).toEqual([]);
    socket.send('3');
    await until(() => seen.length === 2, 'what waited');
    expect(seen).toEqual(['0one', '0two']);
  });

  test('never makes the program wait: too far behind, they begin anew', async () => {
    const { socket } = await sit(guest('view'));
    const closed = once(socket, 'close');
    socket.send('2');
    socket.ping();
    await once(socket, 'pong');
    for (let index = 0; index < 100; index++) sandboxes[0]?.send(Buffer.alloc(64 * 1024, '0'));
    expect((await closed)[0]).toBe(4502);
    await until(() => sandboxes[0]?.bufferedAmount === 0, 'the sandbox to be rid of all of it');
  });

  test('whose connection stands still is cut off', async () => {
    const { socket } = await sit(guest('view'));
    socket.pause();
    const chunk = Buffer.alloc(256 * 1024, '0');
    await until(() => {
      sandboxes[0]?.send(chunk);
      return sandboxes[0]?.readyState !== WebSocket.OPEN;
    }, 'the cut');
    expect(controller.clients.size).toBe(0);
  });
});

test('a guest who may type does, and still decides about no size', async () => {
  const { socket } = await sit(guest('write'));
  socket.send('1{"columns":1,"rows":1}');
  socket.send('0ls');
  await until(() => received[0]?.length === 2, 'the input');
  expect(received[0]?.[1]).toBe('0ls');
});

describe('sizes', () => {
  test('are remembered after their owner has left', async () => {
    const owner = await sit(own(), { columns: 120, rows: 40 });
    owner.socket.send('1{"columns":"many","rows":20}');
    owner.socket.send('1{"columns":77,"rows":22}');
    await until(() => sizes.get(TERMINAL)?.columns === 77, 'the size');
    owner.socket.close();
    expect(sizes.get(TERMINAL)).toEqual({ columns: 77, rows: 22 });
  });

  test('are bounded', () => {
    for (let index = 0; index < 20_000; index++) sizes.set(`t${index}`, { columns: 1, rows: 1 });
    expect(sizes.get('t0')).toBeUndefined();
    expect(sizes.get('t19999')).toBeDefined();
  });
});
