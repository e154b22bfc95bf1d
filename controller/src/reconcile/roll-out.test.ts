import { renderedProjectDir, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { GitOperatorChanges } from '../intent/index.js';
import { NAMESPACE, platform } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';
import type { ProjectHealth, RunningReconciler } from './index.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
const asked = { author: { id: 'operator01', name: 'Olga' }, requestId: 'request-2' };

const withDomain = (domain: string): string =>
  writeDocument({ ...platform, spec: { ...platform.spec, exposure: { ...platform.spec.exposure, domain } } });

/** Eight projects, rendered. */
async function withProjects(health?: (name: string) => ProjectHealth): Promise<{
  readonly installation: Installation;
  readonly reconciler: RunningReconciler;
}> {
  const installation = await withTenant(await openInstallation());
  for (const name of NAMES)
    await installation.changes.create(installation.asked, { namespace: NAMESPACE, input: { name } });
  const reconciler = await installation.reconcile(
    health === undefined ? {} : { health: ({ name }) => health(name) },
  );
  return { installation, reconciler };
}

async function pushPlatform({ gitDir, store }: Installation, text: string): Promise<string> {
  const commit = commitWithStockGit(gitDir, 'main', { 'platform.yaml': text });
  await store.refresh();
  return commit;
}

const approve = async ({ store, repository }: Installation, commit: string): Promise<void> => {
  await new GitOperatorChanges({ store, repository }).approve(asked, { commit, what: 'the roll-out' });
};

/** The projects that are rendered with this domain. */
function renderedWith(gitDir: string, domain: string): string[] {
  return NAMES.filter((name) =>
    stockGit(
      gitDir,
      'show',
      `rendered:${renderedProjectDir(NAMESPACE, name)}/ingress-${name}--app.yaml`,
    ).includes(`.${domain}`),
  );
}

describe('a new platform.yaml', () => {
  it('changes no project until somebody approves it, and then all of them, a few at a time', async () => {
    const { installation, reconciler } = await withProjects();
    const { gitDir } = installation;
    const commit = await pushPlatform(installation, withDomain('new.example.com'));
    await reconciler.idle();
    expect(renderedWith(gitDir, 'new.example.com')).toEqual([]);
    expect((await reconciler.operations.list()).rollout).toMatchObject({ commit, state: 'waiting', done: 0 });
    const before = stockGit(gitDir, 'rev-list', '--count', 'rendered');
    await approve(installation, commit);
    await expect.poll(() => renderedWith(gitDir, 'new.example.com')).toEqual(NAMES);
    await reconciler.idle();
    expect((await reconciler.operations.list()).rollout).toBeUndefined();
    expect(Number(stockGit(gitDir, 'rev-list', '--count', 'rendered')) - Number(before)).toBeGreaterThan(2);
  });

  it('is not what other changes are rendered with while it waits', async () => {
    const { installation, reconciler } = await withProjects();
    await pushPlatform(installation, withDomain('new.example.com'));
    const key = { namespace: NAMESPACE, name: 'a' };
    await installation.changes.act(installation.asked, { key, action: 'restart' });
    await reconciler.idle();
    expect(renderedWith(installation.gitDir, 'new.example.com')).toEqual([]);
  });

  it('that changes no manifest is in force at once', async () => {
    const { installation, reconciler } = await withProjects();
    const retention = { deletedDays: 3 };
    await pushPlatform(installation, writeDocument({ ...platform, spec: { ...platform.spec, retention } }));
    await reconciler.idle();
    expect((await reconciler.operations.list()).rollout).toBeUndefined();
  });

  it('put back before it was approved is forgotten', async () => {
    const { installation, reconciler } = await withProjects();
    await pushPlatform(installation, withDomain('new.example.com'));
    await reconciler.idle();
    const { inForce = '' } = reconciler.operations.rollOut();
    const expected = installation.store.versionAt('platform.yaml') ?? '';
    await new GitOperatorChanges(installation).putPlatformBack(asked, { version: inForce, expected });
    await reconciler.idle();
    expect((await reconciler.operations.list()).rollout).toBeUndefined();
    expect(renderedWith(installation.gitDir, 'apps.example.com')).toEqual(NAMES);
  });

  it('shows beforehand what it would change', async () => {
    const { installation, reconciler } = await withProjects();
    await pushPlatform(installation, withDomain('new.example.com'));
    await reconciler.idle();
    const { sampled, changed, example } = await reconciler.operations.plan();
    expect([sampled, changed, example?.id]).toEqual([8, 8, 'a']);
    const ingress = example?.files.find(({ path }) => path.endsWith('ingress-a--app.yaml'));
    expect(ingress?.before).toContain('.apps.example.com');
    expect(ingress?.after).toContain('.new.example.com');
  });

  it('stops at the first project that fails under it, and goes on when told to', async () => {
    const failing = new Set(['c']);
    const { installation, reconciler } = await withProjects((name) =>
      failing.has(name) && renderedWith(installation_.gitDir, 'new.example.com').includes(name)
        ? { state: 'failed', message: 'crash loop' }
        : { state: 'settled' },
    );
    const installation_ = installation;
    const commit = await pushPlatform(installation, withDomain('new.example.com'));
    await approve(installation, commit);
    await expect
      .poll(async () => (await reconciler.operations.list()).rollout)
      .toMatchObject({ state: 'stopped', stoppedBy: { id: 'c', message: 'crash loop' } });
    const rolledOut = renderedWith(installation.gitDir, 'new.example.com');
    expect(rolledOut).toContain('c');
    expect(rolledOut).not.toContain('h');
    await approve(installation, commit);
    await expect.poll(() => renderedWith(installation.gitDir, 'new.example.com')).toEqual(NAMES);
  });

  it('goes on after a restart from wherever it was, and ends in the same manifests', async () => {
    const { installation } = await withProjects(() => ({ state: 'moving' }));
    const commit = await pushPlatform(installation, withDomain('new.example.com'));
    await approve(installation, commit);
    await expect.poll(() => renderedWith(installation.gitDir, 'new.example.com')).toHaveLength(1);
    await installation.close();
    const again = await openInstallation({ folder: installation.folder });
    await again.reconcile();
    await expect.poll(() => renderedWith(installation.gitDir, 'new.example.com')).toEqual(NAMES);
    const tree = stockGit(installation.gitDir, 'rev-parse', 'rendered^{tree}');
    await again.close();
    stockGit(installation.gitDir, 'update-ref', '-d', 'refs/heads/rendered');
    const anew = await openInstallation({ folder: installation.folder });
    const reconciler = await anew.reconcile();
    await expect.poll(async () => (await reconciler.operations.list()).rollout).toBeUndefined();
    await reconciler.idle();
    expect(stockGit(installation.gitDir, 'rev-parse', 'rendered^{tree}')).toBe(tree);
  });
});
