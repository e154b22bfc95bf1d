import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { openRlimits, type Rlimits } from './rlimits.js';
import type { Command } from './types.js';

const NOTHING = new Set<never>();
const rlimits = await openRlimits({ path: searchPath(), ownUsers: true, limited: NOTHING });
const isRoot = process.getuid?.() === 0;

async function run(limits: Rlimits, { file, args }: Command) {
  const inside = await limits.of({ memoryBytes: 2 ** 30, cpus: undefined, processes: 16 });
  const command = inside({ file, args });
  const child = spawn(command.file, command.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

describe.skipIf(rlimits === undefined)('limits of each process (only on Linux, with prlimit)', () => {
  const limits = rlimits as Rlimits;
  const allocate = (megabytes: number): Command => ({
    file: process.execPath,
    args: ['-e', `console.log(Buffer.alloc(${megabytes} * 2 ** 20).length)`],
  });

  it('let a program be that takes less memory, and fail one that takes ever more', async () => {
    expect(await run(limits, allocate(100))).toMatchObject({ code: 0 });
    expect((await run(limits, allocate(3000))).said).toMatch(/allocation failed|out of memory/i);
  });

  it.runIf(isRoot)('keep a user of its own from having ever more processes (only as root)', async () => {
    // A number that nobody has; without a limit it ends by itself after 511 processes.
    const bomb = 'b() { [ "$1" = 0 ] || { b $(($1 - 1)) & b $(($1 - 1)) & wait; }; }; b 8';
    const user = ['--reuid=1987654321', '--regid=1987654321', '--clear-groups'];
    const { said } = await run(limits, { file: 'setpriv', args: [...user, 'sh', '-c', bomb] });
    expect(said).toMatch(/[Cc]annot fork|[Rr]esource temporarily unavailable/);
  });

  it('cannot be given up by the program', async () => {
    const { said } = await run(limits, {
      file: 'sh',
      args: ['-c', 'grep "Max data size" /proc/self/limits'],
    });
    expect(said).toMatch(/Max data size\s+2147483648\s+2147483648/);
  });
});

it('control groups go first: what they limit is not limited again', async () => {
  const limited = new Set(['memory', 'processes', 'cpu'] as const);
  expect(await openRlimits({ path: searchPath(), ownUsers: true, limited })).toBeUndefined();
});

it.runIf(isRoot)(
  'root itself may have as many processes as it likes, and is not told otherwise',
  async () => {
    const found = await openRlimits({ path: searchPath(), ownUsers: false, limited: NOTHING });
    expect(found?.enforced.has('processes')).not.toBe(true);
  },
);
