import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectPath, tenantPath, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import type { ChangeRequest, Edit, IntentView } from '../model/intent.js';
import { hostOf, NAMESPACE, platform, platformText, project, tenant } from '../shared/documents-for-tests.js';
import {
  commitWithStockGit,
  openForTest,
  stockGit,
  temporaryFolder,
} from '../shared/repository-for-tests.js';
import { openIntentStore, type GitIntentStore } from './index.js';

interface Opened {
  readonly store: GitIntentStore;
  readonly gitDir: string;
  readonly folder: string;
  close(): Promise<void>;
}

const now = (): Date => new Date('2026-11-23T08:00:00Z');
const key = { namespace: NAMESPACE, name: 'my-blog' };
const path = projectPath(NAMESPACE, 'my-blog');

async function open(folder?: string, platformYaml = platformText): Promise<Opened> {
  const base = folder ?? (await temporaryFolder());
  const template = join(base, 'template');
  const gitDir = join(base, 'gitops.git');
  const repository = await openForTest(gitDir);
  if (folder === undefined) {
    await mkdir(template);
    await writeFile(join(template, 'README.md'), '# Read me\n');
  }
  const seed = () => Promise.resolve({ templateFolder: template, platform: platformYaml });
  const store = await openIntentStore({ repository, now, seed });
  return { store, gitDir, folder: base, close: () => repository.close() };
}

const edit = (document: Parameters<typeof writeDocument>[0], at: string): Edit => ({
  path: at,
  content: writeDocument(document),
});
const projectEdit = (name: string, spec = {}): Edit =>
  edit(project(name, spec), projectPath(NAMESPACE, name));

const request = (
  decide: (view: IntentView) => readonly Edit[],
  more: Partial<ChangeRequest> = {},
): ChangeRequest => ({
  author: { id: 'abc123def456', name: 'Ada' },
  action: 'create',
  subject: 'Create my-blog',
  project: key,
  requestId: 'request-1',
  decide,
  ...more,
});

describe('a new repository', () => {
  it('begins with the template and the platform it was given', async () => {
    const { store, gitDir } = await open();
    expect(store.platform().document).toEqual(platform);
    expect(stockGit(gitDir, 'ls-tree', '-r', '--name-only', 'main')).toBe('README.md\nplatform.yaml');
    expect(stockGit(gitDir, 'log', '--format=%an <%ae>%n%B', 'main')).toBe(
      'FullstackAgent portal <portal@fullstackagent.dev>\nBegin the repository\n\nAction: seed',
    );
    expect(store.platform().version).toBe(stockGit(gitDir, 'rev-parse', 'main:platform.yaml'));
  });

  it('is begun once', async () => {
    const first = await open();
    await first.close();
    const { store, gitDir } = await open(first.folder, 'never looked at');
    expect(store.platform().document).toEqual(platform);
    expect(stockGit(gitDir, 'rev-list', '--count', 'main')).toBe('1');
  });

  it('does not begin with a platform nobody can read', async () => {
    await expect(open(undefined, 'kind: Platform\n')).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
  });
});

describe('a change', () => {
  it('is one commit that says who, what, on which project and through which request', async () => {
    const { store, gitDir } = await open();
    const { commit, changed } = await store.change(request(() => [projectEdit('my-blog')]));
    expect(changed).toBe(true);
    expect(stockGit(gitDir, 'log', '-1', '--format=%H%n%an <%ae> %aI%n%cn <%ce> %cI%n%B', 'main')).toBe(
      [
        commit,
        'Ada <abc123def456@users.fullstackagent.dev> 2026-11-23T08:00:00+00:00',
        'FullstackAgent portal <portal@fullstackagent.dev> 2026-11-23T08:00:00+00:00',
        'Create my-blog',
        '',
        'Action: create',
        `Project: ${NAMESPACE}/my-blog`,
        'Request-Id: request-1',
      ].join('\n'),
    );
    expect(stockGit(gitDir, 'show', '--format=', '--name-only', commit)).toBe(path);
  });

  it('is there to read when it is acknowledged, and not before', async () => {
    const { store, gitDir } = await open();
    const told: [string, boolean][] = [];
    store.onCommit((commit) => told.push([commit, store.project(key) !== undefined]));
    let decided: () => void = () => undefined;
    const deciding = new Promise<void>((resolve) => (decided = resolve));
    const change = store.change(
      request(() => {
        decided();
        return [projectEdit('my-blog')];
      }),
    );
    await deciding;
    expect(store.project(key)).toBeUndefined();
    expect(store.hostTaken(hostOf('my-blog'))).toBe(false);
    const { commit } = await change;
    expect(store.project(key)).toMatchObject({
      document: project('my-blog'),
      version: stockGit(gitDir, 'rev-parse', `main:${path}`),
    });
    expect(store.hostTaken(hostOf('my-blog'))).toBe(true);
    expect(told).toEqual([[commit, true]]);
  });

  it('that is asked for ten times at once is made once', async () => {
    const { store } = await open();
    const decide = (view: IntentView): readonly Edit[] => {
      if (view.project(key) !== undefined || view.hostTaken(hostOf('my-blog'))) throw new Error('taken');
      return [projectEdit('my-blog')];
    };
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => store.change(request(decide))));
    expect(results.map(({ status }) => status).sort()).toEqual([
      'fulfilled',
      ...Array<string>(9).fill('rejected'),
    ]);
  });

  it('that the disk refuses leaves everything as it was', async () => {
    const { store, gitDir } = await open();
    const [packs, away] = [join(gitDir, 'objects', 'pack'), join(gitDir, 'away')];
    await rename(packs, away);
    await expect(store.change(request(() => [projectEdit('my-blog')]))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    expect(store.project(key)).toBeUndefined();
    expect(store.hostTaken(hostOf('my-blog'))).toBe(false);
    await rename(away, packs);
    await store.change(request(() => [projectEdit('my-blog')]));
    expect(store.project(key)).toBeDefined();
  });

  it('to a document that would not read back is refused, and nothing is written', async () => {
    const { store, gitDir } = await open();
    const bad = [
      { path, content: 'kind: Project\n' },
      { path, content: 'not: [yaml' },
      { path: projectPath(NAMESPACE, 'other-name'), content: writeDocument(project('my-blog')) },
      { path: tenantPath('ns-zzzzzzzz'), content: writeDocument(tenant) },
    ];
    for (const one of bad)
      await expect(store.change(request(() => [projectEdit('good'), one]))).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
      });
    expect(stockGit(gitDir, 'rev-list', '--count', 'main')).toBe('1');
    expect(store.projects()).toEqual([]);
  });

  it('that changes nothing answers with where main is', async () => {
    const { store } = await open();
    const first = await store.change(request(() => [projectEdit('my-blog')]));
    const again = await store.change(request(() => [projectEdit('my-blog')]));
    expect(again).toEqual({ commit: first.commit, changed: false });
  });

  it('can remove a document, and move a host on', async () => {
    const { store } = await open();
    await store.change(request(() => [projectEdit('a'), projectEdit('b')]));
    expect(store.projects().map(({ document }) => document.metadata.name)).toEqual(['a', 'b']);
    await store.change(
      request((view) => {
        expect(view.hostTaken(hostOf('a'))).toBe(true);
        return [
          { path: projectPath(NAMESPACE, 'a'), content: null },
          projectEdit('b', { host: 'zzzzzzzzzzzz' }),
        ];
      }),
    );
    expect(store.projects(NAMESPACE).map(({ document }) => document.metadata.name)).toEqual(['b']);
    expect([hostOf('a'), hostOf('b'), 'zzzzzzzzzzzz'].map((host) => store.hostTaken(host))).toEqual([
      false,
      false,
      true,
    ]);
    expect(store.projects('ns-zzzzzzzz')).toEqual([]);
  });
});

describe('a document that was changed by hand', () => {
  it('and cannot be read is named; its last good version stands, and everything else goes on', async () => {
    const { store, gitDir } = await open();
    await store.change(request(() => [projectEdit('my-blog'), projectEdit('other')]));
    commitWithStockGit(gitDir, 'main', {
      [path]: writeDocument(project('my-blog')).replace('Running', 'Flying'),
    });
    await store.refresh();
    expect(store.invalid(key)).toMatchObject({
      path,
      message: expect.stringContaining('spec.state') as string,
    });
    expect(store.invalid({ ...key, name: 'other' })).toBeUndefined();
    expect(store.project(key)?.document.spec.state).toBe('Running');
    await store.change(request(() => [projectEdit('other', { state: 'Stopped' })]));
    // Nothing is written over what somebody wrote, however wrong it is.
    await expect(
      store.change(request(() => [projectEdit('my-blog', { state: 'Stopped' })])),
    ).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
      message: expect.stringContaining('Mend it there first') as string,
    });
    commitWithStockGit(gitDir, 'main', { [path]: writeDocument(project('my-blog', { state: 'Stopped' })) });
    await store.refresh();
    expect(store.invalid(key)).toBeUndefined();
    expect(store.project(key)?.document.spec.state).toBe('Stopped');
  });

  it('is found unreadable, and its last good version too, by the next process', async () => {
    const first = await open();
    await first.store.change(request(() => [projectEdit('my-blog')]));
    commitWithStockGit(first.gitDir, 'main', { [path]: 'no document', 'platform.yaml': 'neither\n' });
    commitWithStockGit(first.gitDir, 'main', { [path]: 'still none' });
    await first.close();
    const { store } = await open(first.folder);
    expect(store.platform().document).toEqual(platform);
    expect(store.project(key)?.document).toEqual(project('my-blog'));
    expect(store.invalid(key)).toBeDefined();
    expect(store.hostTaken(hostOf('my-blog'))).toBe(true);
  });

  it('that never was one is named, and is no project', async () => {
    const { store, gitDir } = await open();
    commitWithStockGit(gitDir, 'main', {
      [path]: 'kind: Project\n',
      'tenants/ab/README.md': 'hello',
      'x/y.yaml': 'a: 1',
    });
    await store.refresh();
    expect(store.invalid(key)).toBeDefined();
    expect(store.project(key)).toBeUndefined();
    expect(store.projects()).toEqual([]);
  });

  it('for the better counts at once, and the change after it is decided on it', async () => {
    const { store, gitDir } = await open();
    await store.change(request(() => [projectEdit('my-blog')]));
    commitWithStockGit(gitDir, 'main', {
      [path]: writeDocument(project('my-blog', { displayName: 'By hand' })),
    });
    const seen: (string | undefined)[] = [];
    await store.change(
      request((view) => {
        const name = view.project(key)?.document.spec.displayName;
        seen.push(name);
        return [projectEdit('my-blog', { displayName: name, state: 'Stopped' })];
      }),
    );
    expect(seen).toEqual(['my-blog', 'By hand']);
    expect(store.project(key)?.document.spec).toMatchObject({ displayName: 'By hand', state: 'Stopped' });
  });

  it('that took the platform away leaves the last one counting', async () => {
    const { store, gitDir } = await open();
    commitWithStockGit(gitDir, 'main', { 'platform.yaml': null });
    await store.refresh();
    expect(store.platform().document).toEqual(platform);
  });
});

describe('the history of a project', () => {
  it('is its own commits, newest first, page by page', async () => {
    const { store } = await open();
    const states = ['Running', 'Stopped', 'Running', 'Stopped'] as const;
    const commits: string[] = [];
    for (const [index, state] of states.entries()) {
      const decide = (): readonly Edit[] => [projectEdit('my-blog', { state, description: `${index}` })];
      commits.unshift(
        (await store.change(request(decide, { action: `a${index}`, subject: `Step ${index}` }))).commit,
      );
      await store.change(request(() => [projectEdit('other', { description: `${index}` })]));
    }
    const first = await store.history(key, { limit: 3 });
    expect(first.map(({ commit }) => commit)).toEqual(commits.slice(0, 3));
    expect(first[0]).toEqual({
      commit: commits[0],
      at: now(),
      author: { id: 'abc123def456', name: 'Ada' },
      subject: 'Step 3',
      action: 'a3',
    });
    const before = first[2]?.commit ?? '';
    expect((await store.history(key, { limit: 3, before })).map(({ commit }) => commit)).toEqual(
      commits.slice(3),
    );
    expect(await store.history({ ...key, name: 'none' }, { limit: 3 })).toEqual([]);
  });

  it.each(['HEAD', '--all', 'main~1', '', 'f'.repeat(40)])('takes nothing made up: %j', async (before) => {
    const { store } = await open();
    await store.change(request(() => [projectEdit('my-blog', {})]));
    await expect(store.history(key, { limit: 1, before })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
