import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { LiveConnections, type LiveConnection, type Standing } from './live-connections.js';
import { until } from './testing/until.js';
import type { Credential } from './users.js';

const credential: Credential = { kind: 'session', key: 'ada' };
const FOREVER: Standing = { until: undefined };
const HOUR = 3_600_000;

type Answer = Standing | undefined | Error;

/** Connections over a credential of which the test says what it is worth. */
function connections(first: Answer, checkEveryMs = HOUR) {
  const state = { answer: first, asked: 0, now: 0 };
  const live = new LiveConnections({
    checkEveryMs,
    now: () => state.now,
    standing: () => {
      state.asked += 1;
      return state.answer instanceof Error ? Promise.reject(state.answer) : Promise.resolve(state.answer);
    },
  });
  const open = async (): Promise<LiveConnection> => {
    const connection = await live.open(credential);
    if (connection === undefined) throw new Error('It was refused.');
    return connection;
  };
  return { live, state, open };
}

const ended = (connection: LiveConnection): Promise<unknown> =>
  connection.signal.aborted ? Promise.resolve() : once(connection.signal, 'abort');

describe('LiveConnections', () => {
  it('ends what was opened with a credential when that is revoked, and nothing else', async () => {
    const { live, open } = connections(FOREVER);
    const [first, second] = [await open(), await open()];
    const other = await live.open({ kind: 'token', key: 'grace' });
    live.end('ada');
    expect([first.signal.aborted, second.signal.aborted, other?.signal.aborted]).toEqual([true, true, false]);
    first.done();
    second.done();
    other?.done();
    expect(live.size).toBe(0);
  });

  it('opens nothing with a credential that does not stand', async () => {
    const { live } = connections(undefined);
    expect(await live.open(credential)).toBeUndefined();
    expect(live.size).toBe(0);
  });

  it('opens nothing with a credential that is revoked while it is looked at', async () => {
    let answer: (standing: Standing) => void = () => undefined;
    const live = new LiveConnections({
      checkEveryMs: HOUR,
      standing: () => new Promise((resolve) => (answer = resolve)),
    });
    const opening = live.open(credential);
    live.end('ada');
    answer(FOREVER);
    expect(await opening).toBeUndefined();
    expect(live.size).toBe(0);
  });

  it('says that it could not find out, and keeps nothing', async () => {
    const { live } = connections(new Error('The database is away.'));
    await expect(live.open(credential)).rejects.toThrow('The database is away.');
    expect(live.size).toBe(0);
  });

  it('ends at the end of the credential', async () => {
    const { state, open } = connections({ until: new Date(10) });
    const connection = await open();
    state.now = 10;
    await ended(connection);
  });

  it('goes on where the end was moved by using the session elsewhere', async () => {
    const { state, open } = connections({ until: new Date(10) });
    const connection = await open();
    state.answer = { until: new Date(20) };
    state.now = 10;
    await until('the credential to be asked about twice', () => state.asked >= 2);
    expect(connection.signal.aborted).toBe(false);
    state.now = 20;
    await ended(connection);
  });

  it('ends soon after another process revoked the credential', async () => {
    const { state, open } = connections(FOREVER, 5);
    const connection = await open();
    state.answer = undefined;
    await ended(connection);
  });

  it('outlives a database that is away, but not the end that was known before', async () => {
    const { state, open } = connections({ until: new Date(100) }, 5);
    const connection = await open();
    state.answer = new Error('The database is away.');
    await until('the credential to be asked about again', () => state.asked >= 3);
    expect(connection.signal.aborted).toBe(false);
    state.now = 100;
    await ended(connection);
  });

  it('ends everything when the portal stops, and what comes then', async () => {
    const { live, open } = connections(FOREVER);
    const connection = await open();
    live.close();
    expect(connection.signal.aborted).toBe(true);
    expect(await live.open(credential)).toBeUndefined();
  });
});
