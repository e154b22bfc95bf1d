import { closeSync, openSync } from 'node:fs';
import { startMark } from './process-identity.js';

/** Asks for its own mark while it has no file descriptor left, and once more when it has some, in tests that limit it. */
const asked = (): Promise<string> =>
  startMark(process.pid).then(
    (mark) => (mark === undefined ? 'no such process' : 'runs'),
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'another error'),
  );

await asked();
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // None is left.
}
const without = await asked();
for (const descriptor of taken) closeSync(descriptor);
process.send?.([without, await asked()]);
process.disconnect();
