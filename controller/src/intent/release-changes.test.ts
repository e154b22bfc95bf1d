import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDocument, type ProjectDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, OWNER, platform } from '../shared/documents-for-tests.js';
import { openForTest, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { unseal } from '../shared/sealing-key-for-tests.js';
import { GitProjectChanges, GitReleaseChanges, openIntentStore, type GitIntentStore } from './index.js';

const SECRET = 'sk-live-4242-never-in-git';
const asked = { author: { id: OWNER, name: 'Ada' }, requestId: 'request-1' };
const key = { namespace: NAMESPACE, name: 'my-blog' };
const image = (digit: string): string => `registry.example.com/team/blog@sha256:${digit.repeat(64)}`;
const FORWARD_AUTH = { url: 'https://auth.example.com/check', signIn: 'https://auth.example.com/sign-in' };
const offering = (registries: string[], forwardAuth?: typeof FORWARD_AUTH): string =>
  writeDocument({
    ...platform,
    spec: {
      ...platform.spec,
      exposure: { ...platform.spec.exposure, ...(forwardAuth === undefined ? {} : { forwardAuth }) },
      ...(registries.length === 0 ? {} : { release: { registries } }),
    },
  });

interface Opened {
  readonly changes: GitProjectChanges;
  readonly releases: GitReleaseChanges;
  readonly store: GitIntentStore;
  readonly gitDir: string;
}

async function open(
  registries: string[] = ['registry.example.com/'],
  forwardAuth?: typeof FORWARD_AUTH,
): Promise<Opened> {
  const folder = await temporaryFolder();
  const [gitDir, templateFolder] = [join(folder, 'gitops.git'), join(folder, 'template')];
  await mkdir(templateFolder);
  let seconds = 0;
  const now = (): Date => new Date(Date.UTC(2026, 10, 23, 8, 0, seconds++));
  const repository = await openForTest(gitDir);
  const seed = () => Promise.resolve({ templateFolder, platform: offering(registries, forwardAuth) });
  const store = await openIntentStore({ repository, now, seed });
  const changes = new GitProjectChanges({ store, now });
  await changes.createTenant(asked, { namespace: NAMESPACE, displayName: 'Ada' });
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
  return { store, gitDir, changes, releases: new GitReleaseChanges({ store, repository }) };
}

const standing = ({ store }: Opened): ProjectDocument['spec']['release'] =>
  store.project(key)?.document.spec.release;

describe('the variables of the releases before', () => {
  const mode = (value: string) => [{ name: 'MODE', value }];
  const release = ({ releases }: Opened, value: string, digit = '1') =>
    releases.release(asked, { key, input: { image: image(digit), variables: mode(value) } });
  const former = (opened: Opened): unknown => standing(opened)?.formerEnv;

  it('stay for their pods, newest first, through as many attempts as a document keeps', async () => {
    const opened = await open();
    await release(opened, 'good');
    expect(former(opened)).toBeUndefined();
    for (const attempt of ['bad', 'worse', 'worst']) await release(opened, attempt);
    expect(former(opened)).toEqual([mode('worse'), mode('bad'), mode('good')]);
    await release(opened, 'last');
    expect(former(opened)).toEqual([mode('worst'), mode('worse'), mode('bad')]);
  });

  it('are not there twice, and another image alone changes nothing of them', async () => {
    const opened = await open();
    for (const attempt of ['good', 'bad', 'good', 'bad']) await release(opened, attempt);
    expect(former(opened)).toEqual([mode('good')]);
    await release(opened, 'bad', '2');
    expect(former(opened)).toEqual([mode('good')]);
  });

  it('are those of the time, not of the release that is rolled back to', async () => {
    const opened = await open();
    for (const attempt of ['first', 'good', 'bad']) await release(opened, attempt);
    const { version } = opened.store.project(key) ?? {};
    await opened.releases.rollBack(asked, { key, input: version === undefined ? {} : { version } });
    expect(standing(opened)?.env).toEqual(mode('good'));
    expect(former(opened)).toEqual([mode('bad'), mode('first')]);
  });

  it('make no two changes of different fields a conflict', async () => {
    const opened = await open();
    await release(opened, 'good');
    await release(opened, 'bad');
    const { version } = opened.store.project(key) ?? {};
    await release(opened, 'worse');
    await release(opened, 'worst');
    await opened.releases.release(asked, {
      key,
      input: { replicas: 3, ...(version === undefined ? {} : { version }) },
    });
    expect(standing(opened)).toMatchObject({ replicas: 3, env: mode('worst') });
    expect(former(opened)).toEqual([mode('worse'), mode('bad'), mode('good')]);
  });

  it('are those of the last at least, where a document would be too long with all, and go with the release', async () => {
    const opened = await open();
    const large = (letter: string) =>
      Array(5)
        .fill(0)
        .map((_, at) => ({ name: `V${at}`, value: letter.repeat(60_000) }));
    for (const letter of ['a', 'b', 'c'])
      await opened.releases.release(asked, { key, input: { image: image('1'), variables: large(letter) } });
    expect(former(opened)).toEqual([large('b')]);
    await opened.releases.release(asked, { key, input: { image: image('2') } });
    expect(former(opened)).toEqual([large('b')]);
    await opened.releases.takeDown(asked, key);
    await release(opened, 'new');
    expect(former(opened)).toBeUndefined();
  });

  it.each(['stop', 'delete'] as const)('go with the pods: %s', async (action) => {
    const opened = await open();
    for (const attempt of ['good', 'bad']) await release(opened, attempt);
    const { version } = opened.store.project(key) ?? {};
    await opened.changes.act(asked, { key, action });
    expect(standing(opened)).toMatchObject({ env: mode('bad') });
    expect(former(opened)).toBeUndefined();
    expect(await opened.releases.history(key)).toHaveLength(2);
    await opened.changes.act(asked, { key, action: action === 'stop' ? 'start' : 'restore' });
    const shown = version === undefined ? {} : { version };
    await opened.releases.release(asked, { key, input: { image: image('2'), ...shown } });
    expect(standing(opened)).toMatchObject({ env: mode('bad'), image: image('2') });
    expect(former(opened)).toBeUndefined();
  });

  it('go with the pods: removed for ever', async () => {
    const opened = await open();
    for (const attempt of ['good', 'bad']) await release(opened, attempt);
    await opened.changes.purge(asked, { key, confirm: key.name });
    expect(standing(opened)).toMatchObject({ env: mode('bad') });
    expect(former(opened)).toBeUndefined();
  });

  it('are not kept where nothing runs: a stopped project, no pods', async () => {
    const opened = await open();
    await release(opened, 'good');
    await opened.changes.act(asked, { key, action: 'stop' });
    await release(opened, 'stopped');
    expect(former(opened)).toBeUndefined();
    await opened.changes.act(asked, { key, action: 'start' });
    await release(opened, 'better');
    expect(former(opened)).toEqual([mode('stopped')]);
    await opened.releases.release(asked, { key, input: { replicas: 0 } });
    expect(former(opened)).toBeUndefined();
  });
});

describe('a release', () => {
  it('gets an address, keeps it, and what is left out stays', async () => {
    const opened = await open();
    const variables = [
      { name: 'MODE', value: 'production' },
      { name: 'API_KEY', value: SECRET, secret: true },
    ];
    await opened.releases.release(asked, { key, input: { image: image('1'), replicas: 2, variables } });
    const first = standing(opened);
    expect(first).toMatchObject({ image: image('1'), replicas: 2, preset: 'small' });
    expect(first?.host).toMatch(/^[a-z0-9]{12}$/);
    expect(first?.host).not.toBe(opened.store.project(key)?.document.spec.host);
    await opened.releases.release(asked, { key, input: { image: image('2') } });
    expect(standing(opened)).toEqual({ ...first, image: image('2') });
  });

  it('seals its secrets, and keeps one that is named without a value', async () => {
    const opened = await open();
    const secret = { name: 'API_KEY', value: SECRET, secret: true };
    await opened.releases.release(asked, { key, input: { image: image('1'), variables: [secret] } });
    const kept = [{ name: 'API_KEY', secret: true as const, unchanged: true as const }];
    await opened.releases.release(asked, { key, input: { replicas: 3, variables: kept } });
    const [entry] = standing(opened)?.env ?? [];
    expect(entry !== undefined && 'sealed' in entry ? unseal(entry.sealed, NAMESPACE) : '').toBe(SECRET);
    expect(stockGit(opened.gitDir, 'log', '-p', 'main')).not.toContain(SECRET);
    const missing = [{ name: 'OTHER', secret: true as const, unchanged: true as const }];
    await expect(
      opened.releases.release(asked, { key, input: { variables: missing } }),
    ).rejects.toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ field: 'variables.0.value' }] });
  });

  it.each([
    { why: 'no image', input: {}, field: 'image' },
    { why: 'a tag', input: { image: 'registry.example.com/team/blog:1.0' }, field: 'image' },
    {
      why: 'a registry that is not allowed',
      input: { image: `evil.example/x@sha256:${'1'.repeat(64)}` },
      field: 'image',
    },
    {
      why: 'a name that is none',
      input: { image: `registry.example.com/A B@sha256:${'1'.repeat(64)}` },
      field: 'image',
    },
    { why: 'a size that is not offered', input: { image: image('1'), preset: 'huge' }, field: 'preset' },
    { why: 'a database that is not there', input: { image: image('1'), database: true }, field: 'database' },
    {
      why: 'fewer at most than at least',
      input: { image: image('1'), replicas: 3, maxReplicas: 2 },
      field: 'maxReplicas',
    },
    {
      why: 'members only, and nobody to ask',
      input: { image: image('1'), visibility: 'members' as const },
      field: 'visibility',
    },
  ])('is refused beside the field: $why', async ({ input, field }) => {
    const opened = await open();
    await expect(opened.releases.release(asked, { key, input })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [expect.objectContaining({ field }) as unknown],
    });
    expect(standing(opened)).toBeUndefined();
  });

  it('has an address that nobody else has, sandbox or release', async () => {
    const opened = await open();
    await opened.changes.create(asked, { namespace: NAMESPACE, input: { name: 'Other' } });
    const taken = opened.store.project({ ...key, name: 'other' })?.document.spec.host ?? '';
    const input = { image: image('1'), host: taken };
    await expect(opened.releases.release(asked, { key, input })).rejects.toMatchObject({
      errors: [expect.objectContaining({ field: 'host' }) as unknown],
    });
    await opened.releases.release(asked, { key, input: { ...input, host: 'abcdefabcdef' } });
    expect(opened.store.hostTaken('abcdefabcdef')).toBe(true);
    const other = { key: { ...key, name: 'other' }, input: { ...input, host: 'abcdefabcdef' } };
    await expect(opened.releases.release(asked, other)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await opened.releases.takeDown(asked, key);
    expect(opened.store.hostTaken('abcdefabcdef')).toBe(false);
  });

  it('of a snapshot is of this project’s own', async () => {
    const opened = await open(['snapshot.local/']);
    const of = (name: string): string => `snapshot.local/${NAMESPACE}/${name}@sha256:${'1'.repeat(64)}`;
    await expect(
      opened.releases.release(asked, { key, input: { image: of('other') } }),
    ).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    await opened.releases.release(asked, { key, input: { image: of('my-blog') } });
    expect(standing(opened)?.image).toBe(of('my-blog'));
  });

  it('is not offered where platform.yaml says nothing of it', async () => {
    const opened = await open([]);
    const releases = opened.releases.release(asked, { key, input: { image: image('1') } });
    await expect(releases).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});

describe('rolling back', () => {
  it('records what the release said before, variables included, at the same address', async () => {
    const opened = await open();
    const variables = [{ name: 'MODE', value: 'one' }];
    await opened.releases.release(asked, { key, input: { image: image('1'), variables } });
    const first = standing(opened);
    const other = [{ name: 'MODE', value: 'two' }];
    await opened.releases.release(asked, { key, input: { image: image('2'), variables: other } });
    await opened.changes.patch(asked, { key, input: { displayName: 'Blog' } });
    await opened.releases.rollBack(asked, { key, input: {} });
    expect(standing(opened)).toEqual({ ...first, formerEnv: [[{ name: 'MODE', value: 'two' }]] });
    expect(opened.store.project(key)?.document.spec.displayName).toBe('Blog');
    const subjects = (await opened.releases.history(key)).map(({ subject }) => subject);
    expect(subjects).toEqual(['Roll back the release of my-blog', 'Release my-blog', 'Release my-blog']);
  });

  it('goes to any release of the history, also after it was taken down', async () => {
    const opened = await open();
    const { commit } = await opened.releases.release(asked, { key, input: { image: image('1') } });
    const first = standing(opened);
    await opened.releases.release(asked, { key, input: { image: image('2') } });
    const { commit: down } = await opened.releases.takeDown(asked, key);
    expect(standing(opened)).toBeUndefined();
    await expect(opened.releases.rollBack(asked, { key, input: { commit: down } })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await opened.releases.rollBack(asked, { key, input: { commit } });
    expect(standing(opened)).toEqual(first);
  });

  it('opens nothing that was closed since: whom it is for stays, like the address', async () => {
    const opened = await open(['registry.example.com/'], FORWARD_AUTH);
    const subjects = async (): Promise<string[]> =>
      (await opened.releases.history(key)).map(({ subject }) => subject);
    await opened.releases.release(asked, { key, input: { image: image('1'), visibility: 'public' } });
    await opened.releases.release(asked, { key, input: { image: image('2') } });
    await opened.releases.release(asked, { key, input: { visibility: 'members' } });
    expect((await subjects())[0]).toBe('Show the release of my-blog to members only');
    await opened.releases.rollBack(asked, { key, input: {} });
    expect(standing(opened)).toMatchObject({ image: image('1'), visibility: 'members' });
    await opened.releases.release(asked, { key, input: { visibility: 'public' } });
    expect((await subjects())[0]).toBe('Show the release of my-blog to everybody');
    await opened.releases.release(asked, { key, input: { visibility: 'public', replicas: 2 } });
    expect((await subjects())[0]).toBe('Change the release of my-blog');
    await opened.releases.takeDown(asked, key);
    await opened.releases.rollBack(asked, { key, input: {} });
    expect(standing(opened)).toMatchObject({ visibility: 'public', replicas: 2 });
  });

  it('has nowhere to go from the first release', async () => {
    const opened = await open();
    await expect(opened.releases.rollBack(asked, { key, input: {} })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await opened.releases.release(asked, { key, input: { image: image('1') } });
    await expect(opened.releases.rollBack(asked, { key, input: {} })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('a plan', () => {
  it('says what would be written, and writes nothing', async () => {
    const opened = await open();
    const before = opened.store.tip();
    const planned = await opened.releases.plan({ key, input: { release: { image: image('1') } } });
    expect(planned.edits[0]?.content).toContain(image('1'));
    expect(planned.edits[0]?.content).toMatch(new RegExp(`host: '?${planned.releaseHost ?? '-'}`));
    expect(opened.store.tip()).toBe(before);
    expect(await opened.releases.plan({ key, input: { takeDown: true } })).toEqual({ edits: [] });
  });
});

describe('two people at one release', () => {
  it('are put together where they changed different variables', async () => {
    const opened = await open();
    const variables = [
      { name: 'A', value: '1' },
      { name: 'B', value: '1' },
    ];
    await opened.releases.release(asked, { key, input: { image: image('1'), variables } });
    const version = opened.store.project(key)?.version ?? '';
    const changed = (a: string, b: string) => ({
      key,
      input: {
        version,
        variables: [
          { name: 'A', value: a },
          { name: 'B', value: b },
        ],
      },
    });
    await opened.releases.release(asked, changed('2', '1'));
    await opened.releases.release(asked, changed('1', '2'));
    expect(standing(opened)?.env).toEqual([
      { name: 'A', value: '2' },
      { name: 'B', value: '2' },
    ]);
    await expect(opened.releases.release(asked, changed('3', '1'))).rejects.toMatchObject({
      code: 'STALE_VERSION',
      conflict: { fields: [expect.objectContaining({ field: 'release.variables.A' }) as unknown] },
    });
  });
});
