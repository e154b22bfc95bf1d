import { projectPath, renderedProjectDir } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { GitPurgeChanges } from '../intent/index.js';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openInstallation, START, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { quietLog, stockGit } from '../shared/repository-for-tests.js';
import { PurgeLoop } from './purge-loop.js';
import type { RunningReconciler } from './index.js';

const key = { namespace: NAMESPACE, name: 'my-blog' };
const DAY_MS = 24 * 60 * 60 * 1000;

interface Opened {
  readonly installation: Installation;
  readonly reconciler: RunningReconciler;
  readonly cluster: { applied: boolean; gone: boolean };
  /** One look of the loop, as late after the start and so long after the one before, and what came of it. */
  readonly look: (afterDays?: number, passedMinutes?: number) => Promise<void>;
}

async function open(): Promise<Opened> {
  const installation = await withTenant(await openInstallation());
  const { changes, asked, store } = installation;
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
  const reconciler = await installation.reconcile();
  const cluster = { applied: false, gone: false };
  let now = START;
  let elapsed = 0;
  const loop = new PurgeLoop({
    intent: store,
    changes: new GitPurgeChanges({ store, now: () => now }),
    cluster: { isApplied: () => cluster.applied, isGone: () => Promise.resolve(cluster.gone) },
    now: () => now,
    elapsed: () => elapsed,
    log: quietLog,
  });
  const look = async (afterDays = 0, passedMinutes = 1): Promise<void> => {
    now = new Date(START.getTime() + afterDays * DAY_MS);
    elapsed += passedMinutes * 60 * 1000;
    await loop.look();
    await reconciler.idle();
  };
  return { installation, reconciler, cluster, look };
}

const rendered = ({ installation: { gitDir } }: Opened): string[] =>
  stockGit(gitDir, 'ls-tree', '-r', '--name-only', 'rendered', `${renderedProjectDir(NAMESPACE, 'my-blog')}/`)
    .split('\n')
    .filter(Boolean);
const subjects = ({ installation: { gitDir } }: Opened): string[] =>
  stockGit(
    gitDir,
    'log',
    '--reverse',
    '--format=%an: %s',
    'main',
    '--',
    projectPath(NAMESPACE, 'my-blog'),
  ).split('\n');

describe('a project that is removed for ever', () => {
  it('goes in steps, each when the cluster has done the one before, and the name is free then', async () => {
    const opened = await open();
    const { installation, cluster, look } = opened;
    const { changes, asked, store } = installation;
    await changes.purge(asked, { key, confirm: 'my-blog' });
    await look();
    const volume = rendered(opened).find((path) => path.includes('persistentvolumeclaim')) ?? '';
    expect(rendered(opened)).toHaveLength(2);
    expect(stockGit(installation.gitDir, 'show', `rendered:${volume}`)).not.toMatch(/prune|sync-options/);
    await look();
    expect(rendered(opened)).toHaveLength(2);
    cluster.applied = true;
    await look();
    expect(rendered(opened)).toEqual([]);
    await look();
    expect(store.project(key)).toBeDefined();
    await expect(
      changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } }),
    ).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    cluster.gone = true;
    await look();
    expect(store.project(key)).toBeUndefined();
    expect(subjects(opened)).toEqual([
      'Ada: Create my-blog',
      'Ada: Remove my-blog for ever',
      'FullstackAgent: Remove the data of my-blog',
      'FullstackAgent: Forget my-blog',
    ]);
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await opened.reconciler.idle();
    expect(rendered(opened).length).toBeGreaterThan(2);
  });

  it('goes on after a restart with the step it was at', async () => {
    const opened = await open();
    const { installation } = opened;
    await installation.changes.purge(installation.asked, { key, confirm: 'my-blog' });
    opened.cluster.applied = true;
    await opened.look();
    await installation.close();
    const again = await openInstallation({ folder: installation.folder });
    await again.reconcile();
    expect(again.store.project(key)?.document.spec.purge).toBe('Remove');
    await new GitPurgeChanges({ store: again.store, now: () => START }).advance(key, 'Unprotect');
    expect(again.store.project(key)?.document.spec.purge).toBe('Remove');
  });

  it('is asked for by its name, and cannot be restored any more', async () => {
    const { installation } = await open();
    const { changes, asked, store } = installation;
    for (const confirm of [undefined, '', 'My Blog', 'other'])
      await expect(changes.purge(asked, { key, confirm })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        errors: [{ field: 'confirm' }],
      });
    expect(store.project(key)?.document.spec.state).toBe('Running');
    await changes.purge(asked, { key, confirm: 'my-blog' });
    await expect(changes.act(asked, { key, action: 'restore' })).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
    });
  });
});

describe('a deleted project', () => {
  it('is kept until its retention is over, and not a day longer', async () => {
    const opened = await open();
    const { changes, asked, store } = opened.installation;
    await changes.act(asked, { key, action: 'delete' });
    await opened.look(13);
    expect(store.project(key)?.document.spec.purge).toBeUndefined();
    await opened.look(15);
    await opened.look(15, 10);
    expect(store.project(key)?.document.spec.purge).toBe('Unprotect');
    expect(subjects(opened).at(-1)).toBe('FullstackAgent: Remove my-blog: its retention is over');
  });

  it('is kept where a clock was ahead by a year for some minutes, however often', async () => {
    const opened = await open();
    const { changes, asked, store } = opened.installation;
    await changes.act(asked, { key, action: 'delete' });
    for (const afterDays of [365, 365, 1, 365, 365, 1]) await opened.look(afterDays, 6);
    expect(store.project(key)?.document.spec).toMatchObject({ state: 'Deleted' });
    expect(store.project(key)?.document.spec.purge).toBeUndefined();
  });

  it('that was restored, and deleted again, has to be over for as long as the first time', async () => {
    const opened = await open();
    const { changes, asked, store } = opened.installation;
    await changes.act(asked, { key, action: 'delete' });
    await opened.look(15);
    await changes.act(asked, { key, action: 'restore' });
    await opened.look(15, 10);
    await changes.act(asked, { key, action: 'delete' });
    await opened.look(365, 1);
    expect(store.project(key)?.document.spec.purge).toBeUndefined();
    await opened.look(365, 10);
    expect(store.project(key)?.document.spec.purge).toBe('Unprotect');
  });

  it('that was restored is none', async () => {
    const opened = await open();
    const { changes, asked, store } = opened.installation;
    await changes.act(asked, { key, action: 'delete' });
    await changes.act(asked, { key, action: 'restore' });
    for (const passed of [1, 60]) await opened.look(1000, passed);
    expect(store.project(key)?.document.spec).toMatchObject({ state: 'Running' });
  });
});
