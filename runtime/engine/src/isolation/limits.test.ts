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

/** A program in a group of 64 MiB and 16 processes. */
async function run(file: string, ...args: readonly string[]): Promise<Outcome> {
  if (limits === undefined) throw new Error('There are no limits here.');
  const group = await limits.group('sandbox', { memoryBytes: 64 * 2 ** 20, processes: 16 });
  try {
    const command = group.inside('/bin/sh', { file, args });
    const child = spawn(command.file, command.args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
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
      const { said } = await run('sh', '-c', 'for n in $(seq 40); do sleep 1 & done; wait');
      expect(said).toMatch(/[Cc]annot fork|[Rr]esource temporarily unavailable/);
    });
  },
);
