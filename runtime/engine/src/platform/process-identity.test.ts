import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { expect, it } from 'vitest';
import { nextMessage, spawnTypeScript } from '../testing/typescript-process.js';
import { startMark } from './process-identity.js';

it('is none for a process that has ended', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'close');
  expect(await startMark(child.pid ?? 0)).toBeUndefined();
});

it('is not said to be none where it cannot be asked for', async () => {
  const few = ['sh', '-c', 'ulimit -n 128; exec "$@"', 'few'];
  const asking = spawnTypeScript(new URL('./ask-without-descriptors-for-test.ts', import.meta.url), [], {
    after: few,
  });
  expect(await nextMessage(asking)).toEqual(['EMFILE', 'runs']);
});
