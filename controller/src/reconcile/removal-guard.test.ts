import { projectPath, renderedProjectDir, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { GitOperatorChanges } from '../intent/index.js';
import { NAMESPACE, platform } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';
import type { RunningReconciler } from './index.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
const asked = { author: { id: 'operator01', name: 'Olga' }, requestId: 'request-2' };

interface Opened {
  readonly installation: Installation;
  readonly reconciler: RunningReconciler;
}

async function withProjects(): Promise<Opened> {
  const installation = await withTenant(await openInstallation());
  for (const name of NAMES)
    await installation.changes.create(installation.asked, { namespace: NAMESPACE, input: { name } });
  return { installation, reconciler: await installation.reconcile() };
}

/** By hand, past the portal: the documents of these projects vanish. */
async function remove({ installation, reconciler }: Opened, names: readonly string[]): Promise<string> {
  const files = Object.fromEntries(names.map((name) => [projectPath(NAMESPACE, name), null]));
  const commit = commitWithStockGit(installation.gitDir, 'main', files);
  await installation.store.refresh();
  await reconciler.idle();
  return commit;
}

/** The projects that are rendered to run. */
const running = ({ installation: { gitDir } }: Opened): string[] =>
  NAMES.filter((name) =>
    stockGit(gitDir, 'ls-tree', '--name-only', `rendered:${renderedProjectDir(NAMESPACE, name)}`).includes(
      `statefulset-${name}.yaml`,
    ),
  );

describe('a commit that takes many projects away', () => {
  it('takes a few away at once', async () => {
    const opened = await withProjects();
    await remove(opened, NAMES.slice(0, 5));
    expect(running(opened)).toEqual(NAMES.slice(5));
    expect((await opened.reconciler.operations.list()).removals).toEqual([]);
  });

  it('takes none of more than the limit away until it is approved; everything else goes on', async () => {
    const opened = await withProjects();
    const { installation, reconciler } = opened;
    const commit = await remove(opened, NAMES.slice(0, 6));
    expect(running(opened)).toEqual(NAMES);
    const { removals } = await reconciler.operations.list();
    expect(removals).toMatchObject([{ commit, author: 'Hand' }]);
    expect(removals[0]?.projects.map(({ id }) => id)).toEqual(NAMES.slice(0, 6));
    await installation.changes.act(installation.asked, {
      key: { namespace: NAMESPACE, name: 'h' },
      action: 'delete',
    });
    await reconciler.idle();
    expect(running(opened)).toEqual(NAMES.slice(0, 7));
    await new GitOperatorChanges(installation).approve(asked, { commit, what: 'the removals' });
    await reconciler.idle();
    expect(running(opened)).toEqual(['g']);
    expect((await reconciler.operations.list()).removals).toEqual([]);
  });

  it('can be put back whole, where nobody else did something about it', async () => {
    const opened = await withProjects();
    const { installation, reconciler } = opened;
    const before = NAMES.map((name) => installation.store.versionAt(projectPath(NAMESPACE, name)));
    const commit = await remove(opened, NAMES);
    const removed = await reconciler.operations.removedBy(commit);
    await new GitOperatorChanges(installation).putBack(asked, { commit, removed });
    await reconciler.idle();
    expect(NAMES.map((name) => installation.store.versionAt(projectPath(NAMESPACE, name)))).toEqual(before);
    expect((await reconciler.operations.list()).removals).toEqual([]);
    expect(running(opened)).toEqual(NAMES);
  });

  it('is still held back after a restart, and when everything is rendered anew', async () => {
    const opened = await withProjects();
    const { folder, gitDir } = opened.installation;
    const commit = await remove(opened, NAMES);
    await opened.installation.close();
    const whole = stockGit(gitDir, 'rev-parse', 'rendered');
    for (const lost of [false, true]) {
      if (lost) stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
      const installation = await openInstallation({ folder });
      const reconciler = await installation.reconcile();
      expect((await reconciler.operations.list()).removals.map((one) => one.commit)).toEqual([commit]);
      expect(stockGit(gitDir, 'rev-parse', 'rendered')).toBe(whole);
      await installation.close();
    }
  });

  it('is measured by what platform.yaml says', async () => {
    const opened = await withProjects();
    const text = writeDocument({
      ...platform,
      spec: { ...platform.spec, removalLimit: { projects: 1, percent: 0 } },
    });
    commitWithStockGit(opened.installation.gitDir, 'main', { 'platform.yaml': text });
    await remove(opened, ['a', 'b']);
    expect(running(opened)).toEqual(NAMES);
  });
});
