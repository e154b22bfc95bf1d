import { projectPath, renderedProjectDir, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { hostOf, NAMESPACE, project } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';

const key = (name: string) => ({ namespace: NAMESPACE, name });
const path = (name: string): string => projectPath(NAMESPACE, name);
const text = (name: string, host = hostOf(name)): string => writeDocument(project(name, { host }));
const isRendered = ({ gitDir }: Installation, name: string): boolean =>
  stockGit(gitDir, 'ls-tree', '--name-only', 'rendered', `${renderedProjectDir(NAMESPACE, name)}/`) !== '';

describe('two projects that ask for one address by hand', () => {
  it('are told apart: the first keeps it, the other says why it waits, and gets it when it is free', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir, store } = installation;
    commitWithStockGit(gitDir, 'main', { [path('first')]: text('first', 'samesamesame') });
    commitWithStockGit(gitDir, 'main', {
      [path('another')]: text('another', 'samesamesame'),
      [path('good')]: text('good'),
    });
    await store.refresh();
    const reconciler = await installation.reconcile();
    expect(['first', 'another', 'good'].map((name) => isRendered(installation, name))).toEqual([
      true,
      false,
      true,
    ]);
    expect(store.invalid(key('another'))?.message).toContain('address');
    expect(store.invalid(key('first'))).toBeUndefined();
    commitWithStockGit(gitDir, 'main', { [path('first')]: text('first') });
    await store.refresh();
    await reconciler.idle();
    expect(isRendered(installation, 'another')).toBe(true);
    expect(store.invalid(key('another'))).toBeUndefined();
  });

  it('are told apart the same way after a restart, whatever their names', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir, folder } = installation;
    await installation.reconcile();
    commitWithStockGit(gitDir, 'main', { [path('zoo')]: text('zoo', 'samesamesame') });
    commitWithStockGit(gitDir, 'main', { [path('ant')]: text('ant', 'samesamesame') });
    await installation.store.refresh();
    await expect.poll(() => installation.store.invalid(key('ant'))?.message).toContain('address');
    await installation.close();
    const again = await openInstallation({ folder });
    await again.reconcile();
    expect(again.store.invalid(key('ant'))?.message).toContain('address');
    expect(again.store.invalid(key('zoo'))).toBeUndefined();
  });
});

describe('a merge that was made elsewhere', () => {
  it('whose first parent is the other line leads to what its tree says', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir, store, changes, asked } = installation;
    const base = stockGit(gitDir, 'rev-parse', 'main');
    stockGit(gitDir, 'branch', 'upstream', base);
    const upstream = commitWithStockGit(gitDir, 'upstream', { [path('theirs')]: text('theirs') });
    const ours = await changes.create(asked, { namespace: NAMESPACE, input: { name: 'ours' } });
    const reconciler = await installation.reconcile();
    const tree = stockGit(gitDir, 'merge-tree', '--write-tree', upstream, ours.commit).split('\n')[0] ?? '';
    const merge = stockGit(
      gitDir,
      '-c',
      'user.name=Hand',
      '-c',
      'user.email=hand@example.com',
      'commit-tree',
      tree,
      ...['-p', upstream, '-p', ours.commit, '-m', 'Merge elsewhere'],
    );
    stockGit(gitDir, 'update-ref', 'refs/heads/main', merge);
    await store.refresh();
    await expect.poll(() => reconciler.view.renderedFrom(merge)).toBeDefined();
    expect(['ours', 'theirs'].map((name) => isRendered(installation, name))).toEqual([true, true]);
    await changes.act(asked, { key: key('theirs'), action: 'stop' });
    await reconciler.idle();
    expect(reconciler.view.lastRendered(key('theirs'))?.version).toBe(store.project(key('theirs'))?.version);
  });
});
