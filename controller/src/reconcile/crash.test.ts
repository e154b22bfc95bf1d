import { describe, expect, it } from 'vitest';
import { runTypeScript } from '../shared/child-for-tests.js';
import { NAMESPACE, OWNER } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant } from '../shared/installation-for-tests.js';
import { repositoryOptions, stockGit } from '../shared/repository-for-tests.js';

const program = new URL('./live-for-tests.ts', import.meta.url);

describe('a controller that is killed', () => {
  it('in the middle of changing and rendering goes on as if nothing had been', async () => {
    const first = await withTenant(await openInstallation());
    await first.close();
    const { gitDir, folder } = first;
    const acknowledged: string[] = [];
    for (const after of [7, 30]) {
      const child = runTypeScript(program, gitDir, repositoryOptions.searchPath, NAMESPACE, OWNER);
      await child.printed(after);
      await child.kill();
      acknowledged.push(...child.lines);
    }
    const again = await openInstallation({ folder });
    const { view } = await again.reconcile();
    const list = (...args: readonly string[]): string[] => stockGit(gitDir, ...args).split('\n');
    const main = list('rev-list', '--reverse', 'main');
    expect(acknowledged.filter((commit) => !main.includes(commit))).toEqual([]);
    // One rendered commit for each intent commit: nothing is left out, nothing is rendered twice.
    const format = '--format=%(trailers:key=Intent-Commit,valueonly,separator=)';
    expect(list('log', '--reverse', format, 'rendered')).toEqual(main);
    for (const { document, version } of again.store.projects())
      expect(view.lastRendered(document.metadata)?.version).toBe(version);

    // Made anew from the first commit on it is the same, to the commit.
    const rendered = stockGit(gitDir, 'rev-parse', 'rendered');
    await again.close();
    stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    const anew = await openInstallation({ folder });
    await anew.reconcile();
    expect(stockGit(gitDir, 'rev-parse', 'rendered')).toBe(rendered);
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });
});
