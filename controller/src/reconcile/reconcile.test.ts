import {
  renderedProjectDir,
  renderProject,
  renderTenant,
  writeDocument,
  type ProjectDocument,
} from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import type { ProjectKey } from '../model/intent.js';
import { charts, type Charts } from '../render/index.js';
import { NAMESPACE, platform, project, tenant } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';

const key: ProjectKey = { namespace: NAMESPACE, name: 'my-blog' };
const folder = renderedProjectDir(NAMESPACE, 'my-blog');
const documentPath = `tenants/ab/${NAMESPACE}/projects/my-blog.yaml`;

/** Runs a whole life of one project, without waiting for rendering. */
async function live({ changes, asked }: Installation): Promise<void> {
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
  await changes.putEnvironment(asked, { key, input: { variables: [{ name: 'A', value: '1' }] } });
  await changes.act(asked, { key, action: 'stop' });
  await changes.patch(asked, { key, input: { displayName: 'Blog' } });
  await changes.act(asked, { key, action: 'delete' });
  await changes.act(asked, { key, action: 'restore' });
}

const files = (gitDir: string, at = 'rendered'): string[] =>
  stockGit(gitDir, 'ls-tree', '-r', '--name-only', at).split('\n').filter(Boolean);
const below = (gitDir: string, start: string): string[] =>
  files(gitDir)
    .filter((path) => path.startsWith(`${start}/`))
    .map((path) => path.slice(start.length + 1));
const trailer = (gitDir: string, name: string): string[] =>
  stockGit(
    gitDir,
    'log',
    '--reverse',
    `--format=%(trailers:key=${name},valueonly,separator=)`,
    'rendered',
  ).split('\n');
const mainCommits = (gitDir: string): string[] =>
  stockGit(gitDir, 'rev-list', '--reverse', 'main').split('\n');

/** Charts that refuse one project and leave the others to the real ones. */
const refusing = (name: string): Charts => ({
  ...charts,
  project: (input) => {
    if (input.project.metadata.name === name) throw new Error('There is no such size here.');
    return renderProject(input);
  },
});

describe('what git tells of a project', () => {
  it('reads like a story on both branches', async () => {
    const installation = await withTenant(await openInstallation());
    await live(installation);
    await installation.reconcile();
    const log = (branch: string): string =>
      stockGit(
        installation.gitDir,
        'log',
        '--reverse',
        '--format=%ad %an: %s',
        '--date=format:%H:%M:%S',
        branch,
      );
    expect(log('main')).toMatchInlineSnapshot(`
      "08:00:00 FullstackAgent portal: Begin the repository
      08:00:01 Ada: Create namespace ns-ab3cd4ef
      08:00:02 Ada: Create my-blog
      08:00:03 Ada: Change the variables of my-blog
      08:00:05 Ada: Stop my-blog
      08:00:06 Ada: Change my-blog
      08:00:08 Ada: Delete my-blog
      08:00:10 Ada: Restore my-blog"
    `);
    expect(log('rendered')).toMatchInlineSnapshot(`
      "08:00:00 FullstackAgent renderer: Render: Begin the repository
      08:00:01 FullstackAgent renderer: Render: Create namespace ns-ab3cd4ef
      08:00:02 FullstackAgent renderer: Render: Create my-blog
      08:00:03 FullstackAgent renderer: Render: Change the variables of my-blog
      08:00:05 FullstackAgent renderer: Render: Stop my-blog
      08:00:06 FullstackAgent renderer: Render: Change my-blog
      08:00:08 FullstackAgent renderer: Render: Delete my-blog
      08:00:10 FullstackAgent renderer: Render: Restore my-blog"
    `);
    expect(stockGit(installation.gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('says of each rendered commit what it was made from, one for one', async () => {
    const installation = await withTenant(await openInstallation());
    await live(installation);
    const { view } = await installation.reconcile();
    const { gitDir } = installation;
    expect(trailer(gitDir, 'Intent-Commit')).toEqual(mainCommits(gitDir));
    expect(new Set(trailer(gitDir, 'Renderer'))).toEqual(new Set(['1']));
    const rendered = stockGit(gitDir, 'rev-list', '--reverse', 'rendered').split('\n');
    expect(mainCommits(gitDir).map((commit) => view.renderedFrom(commit))).toEqual(rendered);
  });
});

describe('a rendered commit', () => {
  it('holds exactly what the charts make of the documents', async () => {
    const installation = await withTenant(await openInstallation());
    await live(installation);
    const { view } = await installation.reconcile();
    const stored = installation.store.project(key);
    const expected = renderProject({
      platform,
      project: stored?.document as ProjectDocument,
      intent: stored?.version ?? '',
    });
    const manifests = await view.manifests(key);
    expect(
      new Map(manifests.files.map(({ path, content }) => [path.slice(folder.length + 1), content])),
    ).toEqual(new Map(expected));
    expect(manifests.commit).toBe(stockGit(installation.gitDir, 'rev-parse', 'rendered'));
    const ofTenant = renderTenant({ platform, tenant: { ...tenant }, intent: '' });
    expect(below(installation.gitDir, `platform/tenants/ab/${NAMESPACE}`)).toEqual(
      [...ofTenant.keys()].sort(),
    );
  });

  it('touches the folders of what changed and no others', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir } = installation;
    for (const name of ['a', 'b', 'c'])
      await changes.create(asked, { namespace: NAMESPACE, input: { name } });
    const reconciler = await installation.reconcile();
    await changes.act(asked, { key: { ...key, name: 'b' }, action: 'stop' });
    await reconciler.idle();
    const changed = stockGit(gitDir, 'show', '--format=', '--name-only', 'rendered').split('\n');
    expect(new Set(changed.map((path) => path.split('/').slice(0, 4).join('/')))).toEqual(
      new Set([renderedProjectDir(NAMESPACE, 'b')]),
    );
  });

  it('is made from a commit that renders to nothing too', async () => {
    const installation = await openInstallation();
    commitWithStockGit(installation.gitDir, 'main', { 'README.md': 'New words\n' });
    await installation.store.refresh();
    await installation.reconcile();
    expect(trailer(installation.gitDir, 'Intent-Commit')).toEqual(mainCommits(installation.gitDir));
    expect(files(installation.gitDir)).toEqual([]);
  });
});

describe('a project that is taken away', () => {
  const kept = ['cluster-my-blog--db.yaml', 'persistentvolumeclaim-my-blog--workspace.yaml'];

  it('keeps its data and nothing that runs; restored it is whole again', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
    const reconciler = await installation.reconcile();
    const before = below(gitDir, folder);
    await changes.act(asked, { key, action: 'delete' });
    await reconciler.idle();
    expect(below(gitDir, folder)).toEqual(kept);
    await changes.act(asked, { key, action: 'restore' });
    await reconciler.idle();
    expect(below(gitDir, folder)).toEqual(before);
  });

  it('by removing its document counts as deleted', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir, store } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
    const reconciler = await installation.reconcile();
    commitWithStockGit(gitDir, 'main', { [documentPath]: null });
    await store.refresh();
    await reconciler.idle();
    expect(store.project(key)).toBeUndefined();
    expect(below(gitDir, folder)).toEqual(kept);
    expect(stockGit(gitDir, 'show', `rendered:${folder}/cluster-my-blog--db.yaml`)).toContain('stop: true');
  });

  it('with its tenant’s document leaves the namespace where it is', async () => {
    const installation = await withTenant(await openInstallation());
    const reconciler = await installation.reconcile();
    const before = files(installation.gitDir);
    commitWithStockGit(installation.gitDir, 'main', { [`tenants/ab/${NAMESPACE}/tenant.yaml`]: null });
    await installation.store.refresh();
    await reconciler.idle();
    expect(files(installation.gitDir)).toEqual(before);
  });
});

describe('a document that cannot be rendered', () => {
  it('leaves its last good rendering, is named, and stops nobody else', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir, store } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    const first = await installation.reconcile();
    const before = stockGit(gitDir, 'rev-parse', `rendered:${folder}`);
    const good = first.view.lastRendered(key);
    await first.stop();
    await changes.act(asked, { key, action: 'stop' });
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
    const second = await installation.reconcile({ charts: refusing('my-blog') });
    expect(stockGit(gitDir, 'rev-parse', `rendered:${folder}`)).toBe(before);
    expect(second.view.lastRendered(key)).toEqual(good);
    expect(second.view.lastRendered({ ...key, name: 'other' })).toBeDefined();
    expect(store.invalid(key)?.message).toBe('There is no such size here.');
    expect(trailer(gitDir, 'Intent-Commit')).toEqual(mainCommits(gitDir));
    // A new process finds it again, and a document that renders clears it.
    await second.stop();
    store.setUnrenderable(key, undefined);
    const third = await installation.reconcile({ charts: refusing('my-blog') });
    expect(store.invalid(key)?.message).toBe('There is no such size here.');
    await third.stop();
    const fourth = await installation.reconcile();
    await changes.act(asked, { key, action: 'start' });
    await fourth.idle();
    expect(store.invalid(key)).toBeUndefined();
    expect(fourth.view.lastRendered(key)?.version).toBe(store.project(key)?.version);
  });

  it('because it cannot be read does not either', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, gitDir, store } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    const reconciler = await installation.reconcile();
    const before = stockGit(gitDir, 'rev-parse', 'rendered^{tree}');
    commitWithStockGit(gitDir, 'main', { [documentPath]: 'nonsense', 'platform.yaml': 'nonsense' });
    await store.refresh();
    await reconciler.idle();
    expect(stockGit(gitDir, 'rev-parse', 'rendered^{tree}')).toBe(before);
    expect(trailer(gitDir, 'Intent-Commit')).toEqual(mainCommits(gitDir));
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
    await reconciler.idle();
    expect(below(gitDir, renderedProjectDir(NAMESPACE, 'other'))).toContain('statefulset-other.yaml');
    const mended = writeDocument(project('my-blog', { state: 'Stopped' }));
    commitWithStockGit(gitDir, 'main', { [documentPath]: mended });
    await store.refresh();
    await reconciler.idle();
    expect(stockGit(gitDir, 'show', `rendered:${folder}/statefulset-my-blog.yaml`)).toContain('replicas: 0');
  });
});
