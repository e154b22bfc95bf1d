import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../contract/errors.js';
import { openRepository } from './repository.js';
import { plainProjection } from './plain-projection.js';

/**
 * Commits until it is killed, one change after another, on whatever disk it is given; prints each commit once it was
 * acknowledged, and what a refused change was answered: `commit-on-small-disk-for-tests.ts <gitDir> <PATH>`.
 */
const [gitDir = '', searchPath = ''] = process.argv.slice(2);
const repository = await openRepository(gitDir, { log: console, searchPath, staleLockMs: 20 });
const main = await repository.branch('main', plainProjection);
const author = { name: 'Small', email: 'small@example.com', at: new Date() };
/** Does not get smaller in a pack. */
const content = (count: number): string =>
  Array.from({ length: 500 }, (_, line) => (count * 7919 + line * 104_729).toString(36)).join('\n');

for (let count = 0; ; count++)
  try {
    const edits = [{ path: `file/${count % 50}`, content: content(count) }];
    const { commit } = await main.submit(() => ({ author, committer: author, message: `${count}`, edits }));
    process.stdout.write(`${commit}\n`);
  } catch (error) {
    const code = error instanceof AppError ? error.code : 'none';
    process.stdout.write(`refused ${code} ${error instanceof Error ? error.message : ''}\n`);
    await pause(20);
  }
