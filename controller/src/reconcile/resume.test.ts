import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';
import { whereItStopped } from './where-it-stopped.js';

const key = { namespace: NAMESPACE, name: 'my-blog' };
const rendered = (gitDir: string): string => stockGit(gitDir, 'rev-parse', 'refs/heads/rendered');

/** A repository with eight commits on `main`, all rendered, and closed again. */
async function finished(): Promise<Installation> {
  const installation = await withTenant(await openInstallation());
  const { changes, asked } = installation;
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
  commitWithStockGit(installation.gitDir, 'main', { 'README.md': 'By hand\n' });
  for (const action of ['stop', 'delete', 'restore'] as const) await changes.act(asked, { key, action });
  await installation.reconcile();
  await installation.close();
  return installation;
}

describe('rendering that was cut off', () => {
  it('after any commit goes on from there to the very same commits', async () => {
    const { folder, gitDir } = await finished();
    const whole = rendered(gitDir);
    const steps = stockGit(gitDir, 'rev-list', 'rendered').split('\n');
    expect(steps).toHaveLength(8);
    for (const stoppedAt of [undefined, ...steps]) {
      // What a crash between an intent commit and its rendered commit leaves: a branch that is behind.
      if (stoppedAt === undefined) stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
      else stockGit(gitDir, 'update-ref', 'refs/heads/rendered', stoppedAt);
      const again = await openInstallation({ folder });
      await again.reconcile();
      expect(rendered(gitDir)).toBe(whole);
      await again.close();
    }
  });

  it('gives the view that it had before', async () => {
    const { folder, gitDir } = await finished();
    const again = await openInstallation({ folder });
    const { view } = await again.reconcile();
    const touched = (name: string): string =>
      stockGit(gitDir, 'log', '-1', '--format=%H', 'rendered', '--', `tenants/ab/${NAMESPACE}/${name}`);
    for (const name of ['my-blog', 'other'])
      expect(view.lastRendered({ ...key, name })).toEqual({
        commit: touched(name),
        version: again.store.project({ ...key, name })?.version,
      });
    expect(view.lastRendered({ ...key, name: 'none' })).toBeUndefined();
  });

  it('because somebody moved the branch under it reads again where it is', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir } = installation;
    const reconciler = await installation.reconcile();
    commitWithStockGit(gitDir, 'rendered', { 'hotfix.yaml': 'a: 1\n' });
    const { commit } = await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await expect.poll(() => reconciler.view.renderedFrom(commit) === rendered(gitDir)).toBe(true);
    expect(stockGit(gitDir, 'log', '-2', '--format=%s', 'rendered')).toBe('Render: Create my-blog\nBy hand');
    expect(reconciler.view.includes(rendered(gitDir), stockGit(gitDir, 'rev-parse', 'rendered^'))).toBe(true);
  });

  it('because somebody took the branch away makes it anew at once, in the same commits', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    const { view } = await installation.reconcile({ refreshEveryMs: 20 });
    const [before, seen] = [rendered(gitDir), view.lastRendered(key)];
    stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    await expect
      .poll(() => stockGit(gitDir, 'for-each-ref', '--format=%(objectname)', 'refs/heads/rendered'))
      .toBe(before);
    expect(view.lastRendered(key)).toEqual(seen);
    expect(view.includes(before, seen?.commit ?? '')).toBe(true);
  });

  it('because somebody took the branch away goes on from what the remote has of it', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir } = installation;
    const { view } = await installation.reconcile({ refreshEveryMs: 20 });
    const there = commitWithStockGit(gitDir, 'rendered', { 'hotfix.yaml': 'a: 1\n' });
    stockGit(gitDir, 'update-ref', 'refs/upstream/rendered', there);
    const told: unknown[] = [];
    view.onWritten((written) => told.push(written));
    stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    await expect.poll(() => view.includes(there, there)).toBe(true);
    expect(rendered(gitDir)).toBe(there);
    expect(told).toContainEqual({ commit: there, folders: [] });
  });

  it('at a branch that did not say what it was made from goes on when that is taken away', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir } = installation;
    const foreign = stockGit(gitDir, 'rev-parse', 'main');
    stockGit(gitDir, 'update-ref', 'refs/heads/rendered', foreign);
    const { view } = await installation.reconcile({ refreshEveryMs: 20 });
    expect(rendered(gitDir)).toBe(foreign);
    stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    await expect.poll(() => view.renderedFrom(foreign)).toBeDefined();
    expect(view.renderedFrom(foreign)).toBe(rendered(gitDir));
  });

  it('over a main whose history was rewritten waits for a person, and goes on when it is put back', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir, store } = installation;
    const reconciler = await installation.reconcile();
    const before = rendered(gitDir);
    const main = stockGit(gitDir, 'rev-parse', 'main');
    stockGit(gitDir, 'update-ref', 'refs/heads/main', `${main}^`);
    await store.refresh();
    commitWithStockGit(gitDir, 'main', { 'README.md': 'Another past\n' });
    await store.refresh();
    await reconciler.idle();
    expect(rendered(gitDir)).toBe(before);
    stockGit(gitDir, 'update-ref', 'refs/heads/main', main);
    await store.refresh();
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await reconciler.idle();
    expect(stockGit(gitDir, 'log', '-1', '--format=%s', 'rendered')).toBe('Render: Create my-blog');
  });

  it('at a branch that does not say what it was made from waits for a person', async () => {
    const installation = await openInstallation();
    const { gitDir, repository } = installation;
    const tree = stockGit(gitDir, 'rev-parse', 'main^{tree}');
    const identity = ['-c', 'user.name=H', '-c', 'user.email=h@example.com'];
    const foreign = stockGit(gitDir, ...identity, 'commit-tree', tree, '-m', 'Not ours');
    stockGit(gitDir, 'update-ref', 'refs/heads/rendered', foreign);
    expect(await whereItStopped(repository, foreign)).toEqual({ kind: 'unknown' });
    expect(await whereItStopped(repository, undefined)).toEqual({ kind: 'nothing rendered' });
    await installation.reconcile();
    expect(rendered(gitDir)).toBe(foreign);
  });
});

describe('the view of what is rendered', () => {
  it('knows which revision has which commit in it', async () => {
    const { folder, gitDir } = await finished();
    const { view } = await (await openInstallation({ folder })).reconcile();
    const [newest = '', older = '', oldest = ''] = stockGit(gitDir, 'rev-list', 'rendered').split('\n');
    expect(view.includes(newest, older)).toBe(true);
    expect(view.includes(older, older)).toBe(true);
    expect(view.includes(oldest, older)).toBe(false);
    expect(view.includes('1'.repeat(40), older)).toBe(false);
    expect(view.includes(newest, '1'.repeat(40))).toBe(false);
    expect(view.includes('', '')).toBe(false);
  });

  it('tells of the projects that a commit touched', async () => {
    const installation = await withTenant(await openInstallation());
    const { view, idle } = await installation.reconcile();
    const told: unknown[] = [];
    const end = view.onRendered((keys) => told.push(...keys));
    await installation.changes.create(installation.asked, {
      namespace: NAMESPACE,
      input: { name: 'My Blog' },
    });
    await idle();
    expect(told).toEqual([key]);
    end();
    await installation.changes.act(installation.asked, { key, action: 'stop' });
    await idle();
    expect(told).toHaveLength(1);
  });

  it('shows the manifests of one project only', async () => {
    const { folder } = await finished();
    const { view } = await (await openInstallation({ folder })).reconcile();
    const { files } = await view.manifests(key);
    const paths = files.map(({ path }) => path);
    expect(paths).toContain(join('tenants/ab', NAMESPACE, 'my-blog/statefulset-my-blog.yaml'));
    expect(paths.every((path) => path.startsWith(`tenants/ab/${NAMESPACE}/my-blog/`))).toBe(true);
    expect(paths).toEqual([...paths].sort());
    expect((await view.manifests({ ...key, name: 'none' })).files).toEqual([]);
  });
});
