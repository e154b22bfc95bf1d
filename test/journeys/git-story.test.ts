import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { owner } from '../support/fixtures.js';
import { removeFolder, temporaryFolder } from '../support/folders.js';
import { type Commit, everyByte, git, log, tip } from '../support/git.js';
import { Platform } from '../support/platform.js';
import { until } from '../support/until.js';

const SECRET = 'sk-live-4242-never-in-git';
const PLAIN = 'https://api.example.com/?a=1&b="two"';

describe('the story that git tells of a project', () => {
  const platform = new Platform('git-story');
  let api: Api;
  let main: readonly Commit[];
  let rendered: readonly Commit[];
  let password: string;

  const mine = (): readonly Commit[] =>
    main.filter((commit) => commit.trailers.get('Project')?.endsWith('/my-blog'));

  /** A whole life, each step waited for, so that every status was really reached on the way. */
  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await api.create({
      name: 'My Blog',
      database: true,
      env: [{ name: 'API_KEY', value: SECRET, secret: true }],
    });
    await api.waitFor('my-blog', 'RUNNING');
    password = (await api.reveal('my-blog')).password ?? '';
    await api.putEnvironment('my-blog', [
      { name: 'API_KEY', secret: true, unchanged: true },
      { name: 'NEXT_PUBLIC_API_URL', value: PLAIN },
    ]);
    await api.act('my-blog', 'stop');
    await api.waitFor('my-blog', 'STOPPED');
    await api.act('my-blog', 'start');
    await api.waitFor('my-blog', 'RUNNING');
    await api.act('my-blog', 'restart');
    await api.remove('my-blog');
    await api.waitFor('my-blog', 'TERMINATED');
    await api.act('my-blog', 'restore');
    await api.waitFor('my-blog', 'RUNNING');
    const caughtUp = (): boolean =>
      log(platform.repository, 'rendered').at(-1)?.trailers.get('Intent-Commit') ===
      tip(platform.repository, 'main');
    await until('rendered to be made from the tip of main', caughtUp);
    main = log(platform.repository, 'main');
    rendered = log(platform.repository, 'rendered');
    console.log(git(platform.repository, 'log', '--graph', '--format=%h %an: %s', 'main'));
    console.log(git(platform.repository, 'log', '--graph', '--format=%h %s', 'rendered'));
  });

  afterAll(() => platform.remove());

  it('has one commit on main for each thing the person did, in order, in plain words', () => {
    expect(mine().map((commit) => commit.trailers.get('Action'))).toEqual([
      'create',
      'environment',
      'stop',
      'start',
      'restart',
      'delete',
      'restore',
    ]);
    for (const { subject } of mine()) {
      expect(subject).toMatch(/^[A-Z][a-z]+ .*my-blog/i);
      expect(subject.length).toBeLessThanOrEqual(72);
    }
  });

  it('says who asked, and through which request', () => {
    const namespace = mine()[0]?.trailers.get('Project')?.split('/')[0] ?? '';
    expect(namespace).toMatch(/^ns-[a-z0-9]{8}$/);
    for (const commit of mine()) {
      expect(commit.author).toBe('ada');
      expect(commit.email).toMatch(/^[a-z0-9]{10,40}@/);
      expect(commit.committer).not.toBe('ada');
      expect(commit.trailers.get('Project')).toBe(`${namespace}/my-blog`);
      expect(commit.trailers.get('Request-Id')).toBeTruthy();
    }
    expect(new Set(mine().map((commit) => commit.email)).size).toBe(1);
    const requests = mine().map((commit) => commit.trailers.get('Request-Id'));
    expect(new Set(requests).size).toBe(requests.length);
  });

  it('says on rendered what each commit was made from, in the order of main', () => {
    const order = main.map(({ id }) => id);
    const sources = rendered.map((commit) => order.indexOf(commit.trailers.get('Intent-Commit') ?? ''));
    expect(sources.every((index) => index >= 0)).toBe(true);
    expect(sources).toEqual([...sources].sort((a, b) => a - b));
    for (const commit of rendered) expect(commit.trailers.get('Renderer')).toBeTruthy();
    expect(rendered.every(({ parents }) => parents.length <= 1)).toBe(true);
  });

  it('is what the person sees as history', async () => {
    const { commits } = await api.history('my-blog');
    expect(commits.map(({ commit }) => commit)).toEqual([...mine()].reverse().map(({ id }) => id));
    expect(commits.every(({ renderedCommit }) => renderedCommit !== undefined)).toBe(true);
  });

  it('is a repository that stock git finds nothing wrong with', () => {
    const complaints = git(platform.repository, 'fsck', '--full', '--strict', '--no-dangling');
    expect(complaints).toBe('');
    expect(git(platform.repository, 'rev-parse', '--is-bare-repository')).toBe('true');
  });

  it('can be cloned with stock git, both branches', () => {
    const folder = temporaryFolder('clone');
    git(folder, 'clone', '--quiet', '--branch', 'rendered', `file://${platform.repository}`, 'rendered');
    git(folder, 'clone', '--quiet', '--branch', 'main', `file://${platform.repository}`, 'main');
    const namespace = mine()[0]?.trailers.get('Project')?.split('/')[0] ?? '';
    const shard = namespace.slice(3, 5);
    const document = load(
      readFileSync(join(folder, 'main', 'tenants', shard, namespace, 'projects', 'my-blog.yaml'), 'utf8'),
    ) as { spec: { displayName: string; state: string } };
    expect(document.spec).toMatchObject({ displayName: 'My Blog', state: 'Running' });
    expect(
      existsSync(
        join(folder, 'rendered', 'tenants', shard, namespace, 'my-blog', 'statefulset-my-blog.yaml'),
      ),
    ).toBe(true);
    removeFolder(folder);
  });

  it('holds no secret in any object, reachable or not', () => {
    const bytes = everyByte(platform.repository);
    // The search itself is checked: a plain value is found with it.
    expect(bytes.includes('https://api.example.com/')).toBe(true);
    expect(password.length).toBeGreaterThan(7);
    for (const secret of [SECRET, password]) {
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes(Buffer.from(secret).toString('base64').replace(/=+$/, ''))).toBe(false);
    }
  });

  it('renders to the same tree again when branch rendered is lost', async () => {
    const tree = git(platform.repository, 'rev-parse', 'refs/heads/rendered^{tree}');
    await platform.stop();
    git(platform.repository, 'update-ref', '-d', 'refs/heads/rendered');
    await platform.start();
    const again = (): string => git(platform.repository, 'rev-parse', 'refs/heads/rendered^{tree}');
    await until('the lost branch to be rendered again', () => again() === tree);
    expect(git(platform.repository, 'rev-parse', 'refs/heads/main')).toBe(main.at(-1)?.id);
  });
});
