import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTypeScript } from '../shared/child-for-tests.js';
import { openForTest, repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { plainProjection } from './plain-projection.js';

const loop = new URL('./commit-in-a-loop-for-tests.ts', import.meta.url);

describe('a writer that is killed', () => {
  it('again and again in the middle of its work loses nothing that it acknowledged', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const acknowledged: string[] = [];
    for (const after of [1, 40, 97]) {
      const child = runTypeScript(loop, gitDir, repositoryOptions.searchPath);
      await child.printed(after);
      await child.kill();
      acknowledged.push(...child.lines.filter((line) => /^[0-9a-f]{40}$/.test(line)));
    }
    expect(acknowledged.length).toBeGreaterThanOrEqual(138);
    const present = new Set(stockGit(gitDir, 'rev-list', 'main').split('\n'));
    expect(acknowledged.filter((commit) => !present.has(commit))).toEqual([]);
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');

    const repository = await openForTest(gitDir);
    const main = await repository.branch('main', plainProjection);
    expect(present.has(main.tip() ?? '')).toBe(true);
    const left = await readdir(join(gitDir, 'objects', 'pack'));
    expect(left.filter((name) => name.startsWith('tmp_'))).toEqual([]);
  });

  it('with the ref’s lock in its hand does not keep the next one from writing', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const first = await openForTest(gitDir);
    await first.close();
    await writeFile(join(gitDir, 'refs', 'heads', 'main.lock'), 'half');
    const main = await (await openForTest(gitDir)).branch('main', plainProjection);
    const author = { name: 'A', email: 'a@example.com', at: new Date() };
    const edits = [{ path: 'a', content: 'x' }];
    const { commit } = await main.submit(() => ({ author, committer: author, message: 'On', edits }));
    expect(stockGit(gitDir, 'rev-parse', 'main')).toBe(commit);
  });
});
