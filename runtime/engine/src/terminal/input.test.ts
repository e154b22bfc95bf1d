import { spawn, type IPty } from '@lydell/node-pty';
import { afterEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { PtyInput } from './input.js';

const ptys: IPty[] = [];

afterEach(() => {
  for (const pty of ptys.splice(0)) pty.kill('SIGKILL');
});

/** A program behind a terminal that takes every byte as it is. Answers when it has said `ready`. */
async function raw(program: string): Promise<IPty> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const pty = spawn('bash', ['-c', `stty raw -echo; printf ready; ${program}`], { env });
  ptys.push(pty);
  let text = '';
  pty.onData((data) => {
    text += data;
  });
  await until(() => text.includes('ready'));
  return pty;
}

async function until(ask: () => boolean): Promise<void> {
  const found = await pollUntil(() => (ask() ? true : undefined), { everyMs: 10, deadlineMs: 45_000 });
  expect(found).toBe(true);
}

/** Bytes that were taken until the answer was to wait. */
function fill(input: PtyInput, size: number): number {
  let taken = 0;
  for (let more = true; more && taken < 64 * 1024 * 1024; taken += size)
    more = input.write(Buffer.alloc(size, 'x'));
  return taken;
}

describe('what waits for a program that does not read', () => {
  it.each([1, 1000, 65_536])('is limited, in writes of %d bytes', async (size) => {
    const input = new PtyInput(await raw('sleep 600'));
    expect(fill(input, size)).toBeLessThan(2 * 1024 * 1024);
    expect(input.hasRoom()).toBe(false);
  });

  it('is dropped when it ends', async () => {
    const pty = await raw('sleep 600');
    const input = new PtyInput(pty);
    fill(input, 65_536);
    pty.kill('SIGKILL');
    await until(() => input.hasRoom());
    expect(input.write(Buffer.from('x'))).toBe(true);
  });
});
