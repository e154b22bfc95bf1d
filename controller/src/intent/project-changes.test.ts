import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, OWNER, platformText } from '../shared/documents-for-tests.js';
import { openForTest, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { unseal } from '../shared/sealing-key-for-tests.js';
import { GitProjectChanges, openIntentStore, type GitIntentStore } from './index.js';

const SECRET = 'sk-live-4242-never-in-git';
const asked = { author: { id: OWNER, name: 'Ada' }, requestId: 'request-1' };
const key = { namespace: NAMESPACE, name: 'my-blog' };

interface Opened {
  readonly changes: GitProjectChanges;
  readonly store: GitIntentStore;
  readonly gitDir: string;
}

async function open(): Promise<Opened> {
  const folder = await temporaryFolder();
  const [gitDir, templateFolder] = [join(folder, 'gitops.git'), join(folder, 'template')];
  await mkdir(templateFolder);
  let seconds = 0;
  const now = (): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds++));
  const repository = await openForTest(gitDir);
  const seed = () => Promise.resolve({ templateFolder, platform: platformText });
  const store = await openIntentStore({ repository, now, seed });
  return { store, gitDir, changes: new GitProjectChanges({ store, now }) };
}

async function withProject(): Promise<Opened> {
  const opened = await open();
  await opened.changes.createTenant(asked, { namespace: NAMESPACE, displayName: 'Ada' });
  const env = [{ name: 'API_KEY', value: SECRET, secret: true }];
  await opened.changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', env } });
  return opened;
}

const actions = (gitDir: string): string[] =>
  stockGit(gitDir, 'log', '--reverse', '--format=%(trailers:key=Action,valueonly,separator=)', 'main').split(
    '\n',
  );

describe('what a person can ask for', () => {
  it('is one commit each, with the name of what was done', async () => {
    const { changes, gitDir } = await withProject();
    await changes.patch(asked, { key, input: { displayName: 'Blog' } });
    await changes.patch(asked, { key, input: { database: true } });
    await changes.putEnvironment(asked, { key, input: { variables: [] } });
    for (const action of ['stop', 'start', 'restart', 'delete', 'restore'] as const)
      await changes.act(asked, { key, action });
    expect(actions(gitDir)).toEqual([
      'seed',
      'create-tenant',
      'create',
      'change',
      'change',
      'environment',
      'stop',
      'start',
      'restart',
      'delete',
      'restore',
    ]);
    expect(stockGit(gitDir, 'log', '--reverse', '--format=%s', 'main').split('\n').slice(3)).toEqual([
      'Change my-blog',
      'Add a database to my-blog',
      'Change the variables of my-blog',
      'Stop my-blog',
      'Start my-blog',
      'Restart my-blog',
      'Delete my-blog',
      'Restore my-blog',
    ]);
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('twice is once where nothing is left to do', async () => {
    const { changes, gitDir } = await withProject();
    const first = await changes.act(asked, { key, action: 'stop' });
    expect(await changes.act(asked, { key, action: 'stop' })).toEqual({
      commit: first.commit,
      changed: false,
    });
    expect(await changes.createTenant(asked, { namespace: NAMESPACE, displayName: 'Ada' })).toMatchObject({
      changed: false,
    });
    expect(actions(gitDir)).toEqual(['seed', 'create-tenant', 'create', 'stop']);
  });

  it('answers with the name that was made of what was typed', async () => {
    const { changes, store } = await withProject();
    const { key: made, commit } = await changes.create(asked, {
      namespace: NAMESPACE,
      input: { name: 'Café №1' },
    });
    expect(made).toEqual({ namespace: NAMESPACE, name: 'cafe-no1' });
    expect(store.project(made)?.document.spec.displayName).toBe('Café №1');
    expect((await store.history(made, { limit: 1 }))[0]?.commit).toBe(commit);
  });

  it('at the same time by many gives each their own project and host, and one name once', async () => {
    const { changes, store } = await withProject();
    const names = Array.from({ length: 30 }, (_, index) => `p${index % 20}`);
    const results = await Promise.allSettled(
      names.map((name) => changes.create(asked, { namespace: NAMESPACE, input: { name } })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(20);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'NAME_TAKEN' });
    const hosts = store.projects().map(({ document }) => document.spec.host);
    expect(new Set(hosts).size).toBe(21);
  });

  it('from two forms of the same version happens once where both change one field; the second one is told', async () => {
    const { changes, store } = await withProject();
    const version = store.project(key)?.version ?? '';
    const results = await Promise.allSettled(
      ['One', 'Two'].map((displayName) => changes.patch(asked, { key, input: { displayName, version } })),
    );
    expect(results[0]?.status).toBe('fulfilled');
    expect(results[1]).toMatchObject({ status: 'rejected', reason: { code: 'STALE_VERSION' } });
    expect(store.project(key)?.document.spec.displayName).toBe('One');
  });

  it('from forms that are several changes old happens too, where nobody else changed the same field', async () => {
    const { changes, store } = await withProject();
    const version = store.project(key)?.version ?? '';
    for (const displayName of ['One', 'Two', 'Three'])
      await changes.patch(asked, { key, input: { displayName } });
    await changes.patch(asked, { key, input: { description: 'Mine', version } });
    expect(store.project(key)?.document.spec).toMatchObject({ displayName: 'Three', description: 'Mine' });
  });

  it('shows no version of another project, whoever knows its id', async () => {
    const { changes, store } = await withProject();
    const other = await changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
    const version = store.project(other.key)?.version ?? '';
    expect(await store.projectVersion(key, version)).toBeUndefined();
    expect(await store.projectVersion(key, '--output=/tmp/x')).toBeUndefined();
    await expect(changes.patch(asked, { key, input: { displayName: 'X', version } })).rejects.toMatchObject({
      code: 'STALE_VERSION',
      conflict: undefined,
    });
  });
});

describe('a secret', () => {
  it('is in no object of the repository, and can be opened by the cluster', async () => {
    const { store, gitDir } = await withProject();
    const [variable] = store.project(key)?.document.spec.env ?? [];
    expect(variable && 'sealed' in variable ? unseal(variable.sealed, NAMESPACE) : '').toBe(SECRET);
    const everything = stockGit(gitDir, 'cat-file', '--batch', '--batch-all-objects', '--unordered');
    expect(everything).toContain('API_KEY');
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, 20));
  });

  it('of the terminal is drawn anew for each project', async () => {
    const { changes, store } = await withProject();
    const { key: other } = await changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
    const tokens = [key, other].map((one) => {
      const sealed = store.project(one)?.document.spec.terminal.sealedToken ?? '';
      return unseal(sealed, NAMESPACE);
    });
    expect(tokens[0]).not.toBe(tokens[1]);
    for (const token of tokens) expect(token.length).toBeGreaterThanOrEqual(24);
  });
});
