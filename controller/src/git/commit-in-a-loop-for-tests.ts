import { openRepository } from './repository.js';
import { plainProjection } from './plain-projection.js';

/**
 * Commits until it is killed, several changes at a time, and prints each commit once it was acknowledged:
 * `commit-in-a-loop-for-tests.ts <gitDir> <PATH>`.
 */
const [gitDir = '', searchPath = ''] = process.argv.slice(2);
const repository = await openRepository(gitDir, { log: console, searchPath, staleLockMs: 20 });
const main = await repository.branch('main', plainProjection);
const at = new Date();
const author = { name: 'Loop', email: 'loop@example.com', at };

async function commitForEver(lane: number): Promise<never> {
  for (let count = 0; ; count++) {
    const edits = [{ path: `lane/${lane}/${process.pid}-${count % 50}`, content: `${count}` }];
    const { commit } = await main.submit(() => ({ author, committer: author, message: `${lane}`, edits }));
    process.stdout.write(`${commit}\n`);
  }
}

await Promise.all([1, 2, 3, 4].map(commitForEver));
