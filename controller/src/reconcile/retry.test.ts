import { renameSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { charts } from '../render/index.js';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant } from '../shared/installation-for-tests.js';
import { quietLog, stockGit } from '../shared/repository-for-tests.js';
import { startReconciler } from './index.js';

const intentCommits = (gitDir: string): string =>
  stockGit(
    gitDir,
    'log',
    '--reverse',
    '--format=%(trailers:key=Intent-Commit,valueonly,separator=)',
    'rendered',
  );

describe('rendering', () => {
  it('that fails for a while is tried again, and ends as if it had not', async () => {
    const installation = await withTenant(await openInstallation());
    const { store, repository, changes, asked, gitDir } = installation;
    const packs = join(gitDir, 'objects', 'pack');
    const slept: number[] = [];
    let repair: () => Promise<void> = () => Promise.resolve();
    const sleep = async (ms: number): Promise<void> => {
      slept.push(ms);
      if (slept.length === 3) await repair();
    };
    const reconciler = await startReconciler({ intent: store, repository, charts, log: quietLog, sleep });
    await reconciler.idle();
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await reconciler.idle();
    // A change is accepted, and the disk goes away before it is rendered.
    const end = store.onCommit(() => {
      end();
      repair = () => rename(`${packs}-away`, packs);
      renameSync(packs, `${packs}-away`);
    });
    await changes.act(asked, { key: { namespace: NAMESPACE, name: 'my-blog' }, action: 'stop' });
    await reconciler.idle();
    expect(slept).toEqual([200, 400, 800]);
    expect(intentCommits(gitDir)).toBe(stockGit(gitDir, 'rev-list', '--reverse', 'main'));
    await reconciler.stop();
  });

  it('catches up with any number of commits', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir } = installation;
    const key = { namespace: NAMESPACE, name: 'my-blog' };
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    const ask = (index: number): Promise<unknown> =>
      changes.patch(asked, { key, input: { displayName: `Blog ${index}` } });
    await Promise.all(Array.from({ length: 130 }, (_, index) => ask(index)));
    await installation.reconcile();
    expect(stockGit(gitDir, 'rev-list', '--count', 'rendered')).toBe('133');
    expect(intentCommits(gitDir)).toBe(stockGit(gitDir, 'rev-list', '--reverse', 'main'));
    // Far fewer durable writes than commits: those that wait share one.
    const packs = Number(/packs: (\d+)/.exec(stockGit(gitDir, 'count-objects', '-v'))?.[1]);
    expect(packs).toBeLessThan(20);
  });

  it('does nothing more once it was stopped', async () => {
    const installation = await withTenant(await openInstallation());
    const reconciler = await installation.reconcile();
    const before = stockGit(installation.gitDir, 'rev-parse', 'rendered');
    await reconciler.stop();
    await installation.changes.create(installation.asked, {
      namespace: NAMESPACE,
      input: { name: 'My Blog' },
    });
    await reconciler.idle();
    expect(stockGit(installation.gitDir, 'rev-parse', 'rendered')).toBe(before);
  });
});
