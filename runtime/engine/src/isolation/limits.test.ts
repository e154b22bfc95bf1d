import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, describe, expect, it } from 'vitest';
import { openLimits } from './limits.js';

const limits = await openLimits(`test-${process.pid}`);
afterAll(() => limits?.close());

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

/** A program in a group of 64 MiB, 16 processes and a tenth of a processor. */
async function run(file: string, ...args: readonly string[]): Promise<Outcome> {
  if (limits === undefined) throw new Error('There are no limits here.');
  const group = await limits.group('sandbox', { memoryBytes: 64 * 2 ** 20, processes: 16, cpus: 0.1 });
  try {
    const command = group.inside('/bin/sh', { file, args });
    let said = '';
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, said };
  } finally {
    await group.remove();
  }
}

describe.skipIf(limits === undefined)(
  'limits by control groups (only where this process may make them)',
  () => {
    it('let a program be that stays below them', async () => {
      expect(await run('sh', '-c', 'true')).toMatchObject({ code: 0 });
    });

    it('end one that takes more memory', async () => {
      const outcome = await run(process.execPath, '-e', 'Buffer.alloc(300 << 20).fill(1)');
      expect(outcome.signal ?? outcome.code).toMatch(/SIGKILL|137/);
    });

    it('keep one from starting ever more processes', async () => {
      const { said } = await run('sh', '-c', 'for n in $(seq 40); do sleep 3 & done; wait');
      expect(said).toMatch(/[Cc]annot fork|[Rr]esource temporarily unavailable/);
    });

    it('keep a program that starts itself twice, again and again, to itself', async () => {
      // Without a limit it ends by itself after 511 processes.
      const bomb = 'b() { [ "$1" = 0 ] || { b $(($1 - 1)) & b $(($1 - 1)) & wait; }; }; b 8';
      expect((await run('sh', '-c', bomb)).said).toMatch(
        /[Cc]annot fork|[Rr]esource temporarily unavailable/,
      );
      expect(await run('sh', '-c', 'true')).toMatchObject({ code: 0 });
    });

    it.runIf(limits?.enforced.has('cpu'))('hold back one that takes more of the processors', async () => {
      const busy = 'n=0; while [ $n -lt 300000 ]; do n=$((n + 1)); done';
      const version1 = 'sed -n "s|.*:cpu.*:|/sys/fs/cgroup/cpu|p" /proc/self/cgroup';
      const version2 = 'sed -n "s|^0::|/sys/fs/cgroup|p" /proc/self/cgroup';
      const told = `${busy}; for f in $(${version1}) $(${version2}); do cat $f/cpu.stat 2>/dev/null; done`;
      expect((await run('sh', '-c', told)).said).toMatch(/^nr_throttled [1-9]/m);
    });
  },
);
