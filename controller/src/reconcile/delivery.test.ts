import { projectPath, renderedDeliveryDir, renderedProjectDir, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { GitOperatorChanges, GitPurgeChanges } from '../intent/index.js';
import { charts, type Charts } from '../render/index.js';
import { NAMESPACE, platform, project } from '../shared/documents-for-tests.js';
import {
  openInstallation,
  ticking,
  withTenant,
  type Installation,
} from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';
import { installationNotices, type RunningReconciler } from './index.js';

const asked = { author: { id: 'operator01', name: 'Olga' }, requestId: 'request-2' };
const key = { namespace: NAMESPACE, name: 'my-blog' };
const folder = renderedProjectDir(NAMESPACE, 'my-blog');
const file = (name = 'my-blog'): string =>
  `${renderedDeliveryDir(NAMESPACE, name)}/kustomization-${name}.yaml`;

const platformWith = (flux?: object): string =>
  writeDocument({
    ...platform,
    spec: { ...platform.spec, ...(flux === undefined ? {} : { delivery: { flux } }) },
  });

async function pushPlatform({ gitDir, store }: Installation, flux?: object): Promise<string> {
  const commit = commitWithStockGit(gitDir, 'main', { 'platform.yaml': platformWith(flux) });
  await store.refresh();
  return commit;
}

const isThere = (gitDir: string, path: string, at = 'rendered'): boolean =>
  stockGit(gitDir, 'ls-tree', '-r', '--name-only', at, path) !== '';
const changedBy = (gitDir: string, commit: string): string[] =>
  stockGit(gitDir, 'show', '--format=', '--name-only', commit).split('\n');
const tree = (gitDir: string): string => stockGit(gitDir, 'rev-parse', 'rendered^{tree}');

/** An installation that Flux applies, from before its first tenant. */
async function withFlux(): Promise<{ installation: Installation; reconciler: RunningReconciler }> {
  const installation = await openInstallation();
  await pushPlatform(installation, {});
  await withTenant(installation);
  await installation.changes.create(installation.asked, {
    namespace: NAMESPACE,
    input: { name: 'My Blog', database: true },
  });
  return { installation, reconciler: await installation.reconcile() };
}

describe('what Flux applies a project with', () => {
  it('comes in the commit of the project’s folder, and stays the same with every change', async () => {
    const { installation, reconciler } = await withFlux();
    const { gitDir, changes } = installation;
    const created = reconciler.view.lastRendered(key)?.commit ?? '';
    const paths = changedBy(gitDir, created);
    expect(paths).toContain(file());
    expect(paths).toContain(`${folder}/statefulset-my-blog.yaml`);
    await changes.act(installation.asked, { key, action: 'stop' });
    await changes.act(installation.asked, { key, action: 'delete' });
    await reconciler.idle();
    expect(isThere(gitDir, file())).toBe(true);
    expect(stockGit(gitDir, 'log', '--format=%H', 'rendered', '--', file())).toBe(created);
  });

  it('is not among the manifests that a project’s people see, and is in the plan of its commit', async () => {
    const { reconciler } = await withFlux();
    const { files } = await reconciler.view.manifests(key);
    expect(files.map(({ path }) => path)).toContain(`${folder}/statefulset-my-blog.yaml`);
    expect(files.map(({ path }) => path).filter((path) => path.startsWith('platform/'))).toEqual([]);
    const { manifests } = await reconciler.preview([
      { path: projectPath(NAMESPACE, 'other'), content: writeDocument(project('other')) },
    ]);
    expect(manifests).toContainEqual(expect.objectContaining({ path: file('other'), before: null }));
  });

  it('goes in the commit in which the last of the folder goes, and not before', async () => {
    const { installation, reconciler } = await withFlux();
    const { gitDir, changes, store } = installation;
    const purges = new GitPurgeChanges({ store, now: ticking() });
    await changes.purge(installation.asked, { key, confirm: 'my-blog' });
    await reconciler.idle();
    expect(isThere(gitDir, file())).toBe(true);
    const told: string[][] = [];
    reconciler.view.onWritten(({ folders }) => told.push([...folders]));
    await purges.advance(key, 'Unprotect');
    await reconciler.idle();
    const last = reconciler.view.lastRendered(key)?.commit ?? '';
    expect(changedBy(gitDir, last)).toContain(file());
    expect([isThere(gitDir, file()), isThere(gitDir, folder)]).toEqual([false, false]);
    expect([isThere(gitDir, file(), `${last}^`), isThere(gitDir, folder, `${last}^`)]).toEqual([true, true]);
    await purges.advance(key, 'Remove');
    await reconciler.idle();
    expect(store.project(key)).toBeUndefined();
    expect(told).toEqual([[folder, renderedDeliveryDir(NAMESPACE, 'my-blog')]]);
  });

  it('stays when the document vanished: the data stays too', async () => {
    const { installation, reconciler } = await withFlux();
    const { gitDir, store } = installation;
    commitWithStockGit(gitDir, 'main', { [projectPath(NAMESPACE, 'my-blog')]: null });
    await store.refresh();
    await reconciler.idle();
    expect(isThere(gitDir, `${folder}/statefulset-my-blog.yaml`)).toBe(false);
    expect([isThere(gitDir, file()), isThere(gitDir, `${folder}/cluster-my-blog--db.yaml`)]).toEqual([
      true,
      true,
    ]);
  });

  it('is refused with the project’s folder: there is never one without the other', async () => {
    const { installation, reconciler } = await withFlux();
    await reconciler.stop();
    const { gitDir, changes, store } = installation;
    const refusing: Charts = {
      ...charts,
      delivery: () => {
        throw new Error('There is no such source here.');
      },
    };
    const again = await installation.reconcile({ charts: refusing });
    const before = tree(gitDir);
    await changes.act(installation.asked, { key, action: 'stop' });
    await again.idle();
    expect(tree(gitDir)).toBe(before);
    expect(store.invalid(key)?.message).toBe('There is no such source here.');
  });

  it('is the same, in the same commits, when all is rendered anew', async () => {
    const { installation } = await withFlux();
    const before = stockGit(installation.gitDir, 'rev-parse', 'rendered');
    await installation.close();
    stockGit(installation.gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    const again = await openInstallation({ folder: installation.folder });
    await again.reconcile();
    expect(stockGit(installation.gitDir, 'rev-parse', 'rendered')).toBe(before);
    expect(isThere(installation.gitDir, file())).toBe(true);
  });

  it('stays with the projects whose removal waits for an approval', async () => {
    const { installation, reconciler } = await withFlux();
    const { gitDir, store, changes } = installation;
    const names = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
    for (const name of names)
      await changes.create(installation.asked, { namespace: NAMESPACE, input: { name } });
    await reconciler.idle();
    const purged = (name: string): string =>
      writeDocument(
        project(name, {
          ...store.project({ namespace: NAMESPACE, name })?.document.spec,
          state: 'Deleted',
          deletedAt: '2026-11-23T08:00:00Z',
          purge: 'Remove',
        }),
      );
    commitWithStockGit(
      gitDir,
      'main',
      Object.fromEntries(names.map((name) => [projectPath(NAMESPACE, name), purged(name)])),
    );
    await store.refresh();
    await reconciler.idle();
    const left = (): string[] => names.filter((name) => isThere(gitDir, file(name)));
    expect(left()).toEqual(names);
    const [held] = (await reconciler.operations.list()).removals;
    await new GitOperatorChanges(installation).approve(asked, {
      commit: held?.commit ?? '',
      what: 'the removal',
    });
    await reconciler.idle();
    expect(left()).toEqual([]);
  });
});

describe('a platform that is to be applied by Flux from now on', () => {
  const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;

  async function withProjects(): Promise<{ installation: Installation; reconciler: RunningReconciler }> {
    const installation = await withTenant(await openInstallation());
    for (const name of NAMES)
      await installation.changes.create(installation.asked, { namespace: NAMESPACE, input: { name } });
    return { installation, reconciler: await installation.reconcile() };
  }

  const delivered = (gitDir: string): string[] => NAMES.filter((name) => isThere(gitDir, file(name)));

  it('waits for an approval, shows what it would change, and goes on in slices', async () => {
    const { installation, reconciler } = await withProjects();
    const { gitDir } = installation;
    const own = stockGit(gitDir, 'rev-parse', 'rendered:tenants');
    const commit = await pushPlatform(installation, {});
    await reconciler.idle();
    expect(delivered(gitDir)).toEqual([]);
    const { changed, sampled, example } = await reconciler.operations.plan();
    expect([changed, sampled]).toEqual([8, 8]);
    expect(example?.files).toMatchObject([{ path: file('a'), before: null }]);
    await new GitOperatorChanges(installation).approve(asked, { commit, what: 'the roll-out' });
    await expect.poll(() => delivered(gitDir)).toEqual(NAMES);
    await reconciler.idle();
    expect(stockGit(gitDir, 'rev-parse', 'rendered:tenants')).toBe(own);
    const slices = stockGit(gitDir, 'log', '--reverse', '--format=%H', 'rendered', '--', 'platform/projects')
      .split('\n')
      .map((one) => changedBy(gitDir, one).length);
    expect(slices).toEqual([1, 5, 2]);
  });

  it('is about the projects whose Kustomizations change, also for who starts in the middle', async () => {
    const { installation, reconciler } = await withProjects();
    const { gitDir, store, folder: home } = installation;
    const commit = await pushPlatform(installation, { sourceName: 'gitops' });
    await new GitOperatorChanges(installation).approve(asked, { commit, what: 'the roll-out' });
    await expect.poll(() => delivered(gitDir)).toEqual(NAMES);
    await reconciler.idle();
    const said = (view: RunningReconciler['view']) =>
      NAMES.map((name) => view.lastRendered({ namespace: NAMESPACE, name }));
    const expected = NAMES.map((name) => ({
      commit: stockGit(gitDir, 'log', '-1', '--format=%H', 'rendered', '--', file(name)),
      version: store.project({ namespace: NAMESPACE, name })?.version,
    }));
    expect(said(reconciler.view)).toEqual(expected);
    await installation.close();
    const again = await openInstallation({ folder: home });
    expect(said((await again.reconcile()).view)).toEqual(expected);
  });

  it('and no longer takes the Kustomizations away again, and nothing else', async () => {
    const { installation, reconciler } = await withProjects();
    const { gitDir } = installation;
    const before = tree(gitDir);
    for (const flux of [{}, undefined]) {
      const commit = await pushPlatform(installation, flux);
      await new GitOperatorChanges(installation).approve(asked, { commit, what: 'the roll-out' });
      await expect.poll(() => delivered(gitDir)).toEqual(flux === undefined ? [] : NAMES);
      await expect.poll(async () => (await reconciler.operations.list()).rollout).toBeUndefined();
    }
    expect(tree(gitDir)).toBe(before);
  });

  it('and no longer is approved by somebody who was told what Flux does then', async () => {
    const { installation, reconciler } = await withProjects();
    const approve = async (flux?: object): Promise<void> => {
      const commit = await pushPlatform(installation, flux);
      await reconciler.idle();
      const { rollout } = await reconciler.operations.list();
      const warned = rollout?.warnings?.join() ?? '';
      if (flux === undefined)
        expect(warned).toMatch(/not suspended takes along what it applied.*flux suspend/);
      else expect(warned).toBe('');
      await new GitOperatorChanges(installation).approve(asked, { commit, what: 'the roll-out' });
      await expect.poll(async () => (await reconciler.operations.list()).rollout).toBeUndefined();
    };
    await approve({});
    // Another source changes the Kustomizations, and takes none away.
    await approve({ sourceName: 'gitops' });
    await approve();
  });

  it('is missed where the controller counts on Flux, until it is in force', async () => {
    const installation = await withTenant(await openInstallation());
    const reconciler = await installation.reconcile({
      notices: (known) => installationNotices('flux', known),
    });
    const notices = async (): Promise<string> =>
      (await reconciler.operations.list()).notices?.join(' ') ?? '';
    expect(await notices()).toContain('No project is applied');
    await pushPlatform(installation, {});
    await reconciler.idle();
    expect(await notices()).not.toContain('No project is applied');
  });
});
