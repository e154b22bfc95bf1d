import { projectPath } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openUpstream, SIGNAL, type Upstream } from './upstream-for-tests.js';

const BLOG = projectPath(NAMESPACE, 'blog');
const NOTES = projectPath(NAMESPACE, 'notes');

/** Both sides have the project "blog". */
async function withBlog(): Promise<Upstream> {
  const upstream = await openUpstream();
  const { changes, asked } = upstream.installation;
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'blog', description: 'First' } });
  await upstream.round();
  return upstream;
}

const key = { namespace: NAMESPACE, name: 'blog' };
const patch = (upstream: Upstream, input: { description?: string; displayName?: string }) =>
  upstream.installation.changes.patch(upstream.installation.asked, { key, input });
const replaced = (upstream: Upstream, from: string, to: string) =>
  upstream.there('show', `main:${BLOG}`).replace(from, to);
const specOf = (upstream: Upstream) => upstream.installation.store.project(key)?.document.spec;
const nothingLost = (upstream: Upstream, commits: readonly string[]): void => {
  for (const commit of commits)
    expect(upstream.here('merge-base', commit, 'main'), `${commit} is behind main`).toBe(commit);
  expect(upstream.here('fsck', '--full', '--strict', '--no-dangling')).toBe('');
};

describe('an empty remote', () => {
  it('gets both branches', async () => {
    const upstream = await openUpstream();
    const { store } = upstream.installation;
    const at = new Date(0);
    const somebody = { name: 'Renderer', email: 'r@example.com', at };
    await upstream.rendered.submit(() => ({
      ...{ author: somebody, committer: somebody, message: 'Render' },
      edits: [{ path: 'a.yaml', content: 'a: 1\n' }],
    }));
    await upstream.sync.look(SIGNAL);
    expect(upstream.sync.standing('main').state).toBe('ahead');
    await upstream.sync.push(SIGNAL);
    expect(upstream.there('rev-parse', 'main', 'rendered').split('\n')).toEqual([
      store.tip(),
      upstream.rendered.tip(),
    ]);
    expect(upstream.sync.standing('main').state).toBe('in-sync');
    expect(upstream.arrived).toEqual([
      `main ${String(store.tip())}`,
      `rendered ${String(upstream.rendered.tip())}`,
    ]);
  });
});

describe('what others pushed', () => {
  it('becomes main as it is where nothing happened here', async () => {
    const upstream = await withBlog();
    const theirs = upstream.byHand({ [BLOG]: replaced(upstream, 'First', 'By hand') });
    await upstream.round();
    expect(upstream.installation.store.tip()).toBe(theirs);
    expect(specOf(upstream)?.description).toBe('By hand');
  });

  it('is joined field by field, and keeps every commit and its id', async () => {
    const upstream = await withBlog();
    const ours = await patch(upstream, { displayName: 'Our name' });
    const theirs = upstream.byHand({ [BLOG]: replaced(upstream, 'First', 'By hand') });
    await upstream.round();
    expect(specOf(upstream)).toMatchObject({ displayName: 'Our name', description: 'By hand' });
    expect(upstream.here('rev-parse', 'main^1', 'main^2').split('\n')).toEqual([ours.commit, theirs]);
    expect(upstream.here('log', '-1', '--format=%an|%cn', 'main')).toBe('Hand|FullstackAgent portal');
    expect(upstream.there('rev-parse', 'main')).toBe(upstream.installation.store.tip());
    expect(await upstream.proposals.list()).toEqual([]);
    nothingLost(upstream, [ours.commit, theirs]);
  });

  it('is joined where the push finds it', async () => {
    const upstream = await withBlog();
    await patch(upstream, { displayName: 'Our name' });
    await upstream.sync.look(SIGNAL);
    const theirs = upstream.byHand({ 'notes.txt': 'By hand' });
    await upstream.sync.push(SIGNAL);
    expect(upstream.sync.standing('main').state).toBe('in-sync');
    nothingLost(upstream, [theirs]);
  });

  it('stays out where both changed the same field: ours stands, theirs is proposed', async () => {
    const upstream = await withBlog();
    const ours = await patch(upstream, { description: 'Ours' });
    const theirs = upstream.byHand({
      [BLOG]: replaced(upstream, 'First', 'Theirs').replace('displayName: blog', 'displayName: Their name'),
    });
    await upstream.round();
    expect(specOf(upstream)).toMatchObject({ displayName: 'Their name', description: 'Ours' });
    nothingLost(upstream, [ours.commit, theirs]);
    const [proposal, ...others] = await upstream.proposals.list();
    expect(others).toEqual([]);
    expect(proposal).toMatchObject({
      path: BLOG,
      project: { namespace: NAMESPACE, id: 'blog' },
      author: 'Hand',
      subject: 'By hand',
      upstreamCommit: theirs,
      fields: [
        {
          field: 'description',
          base: { secret: false, value: 'First' },
          theirs: { secret: false, value: 'Ours' },
          yours: { secret: false, value: 'Theirs' },
        },
      ],
    });
  });

  it('may be anything: what cannot be read is the one document that does not count', async () => {
    const upstream = await withBlog();
    await patch(upstream, { displayName: 'Our name' });
    const bomb = 'a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n';
    const theirs = upstream.byHand({ [NOTES]: bomb, 'bytes.bin': 'a\0b' });
    await upstream.round();
    expect(upstream.installation.store.tip()).toBe(upstream.there('rev-parse', 'main'));
    expect(upstream.installation.store.invalid({ namespace: NAMESPACE, name: 'notes' })?.path).toBe(NOTES);
    expect(specOf(upstream)?.displayName).toBe('Our name');
    nothingLost(upstream, [theirs]);
  });

  it('is taken with its links and modes where only they changed it', async () => {
    const upstream = await withBlog();
    await patch(upstream, { displayName: 'Our name' });
    const clone = `${upstream.installation.folder}/clone`;
    upstream.there('clone', '--quiet', upstream.folder, clone);
    const git = (...args: readonly string[]): string =>
      upstream.there('-C', clone, '-c', 'user.name=H', '-c', 'user.email=h@example.com', ...args);
    const blob = git('hash-object', '-w', '--', 'README.md');
    git('update-index', '--add', '--cacheinfo', `120000,${blob},link`);
    git('update-index', '--chmod=+x', 'README.md');
    git('commit', '--quiet', '-m', 'Modes');
    git('push', '--quiet', 'origin', 'HEAD:main');
    await upstream.round();
    expect(
      upstream
        .here('ls-tree', 'main', 'link', 'README.md')
        .split('\n')
        .map((line) => line.slice(0, 6)),
    ).toEqual(['100755', '120000']);
  });

  it('holds up nobody where it cannot be put together', async () => {
    const upstream = await withBlog();
    await patch(upstream, { displayName: 'Our name' });
    const tenants = upstream.here('ls-tree', '-r', '--name-only', 'main', 'tenants').split('\n');
    upstream.byHand({ ...Object.fromEntries(tenants.map((path) => [path, null])), tenants: 'a file' });
    await upstream.round();
    expect(upstream.sync.standing('main')).toMatchObject({ state: 'stuck' });
    expect(upstream.sync.standing('main').message).toContain('would be a file and a folder');
    await patch(upstream, { description: 'Goes on' });
    upstream.there('update-ref', 'refs/heads/main', upstream.there('rev-parse', 'main^'));
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('in-sync');
  });
});

describe('a history that was rewritten there', () => {
  async function rewritten(): Promise<{ upstream: Upstream; before: string }> {
    const upstream = await withBlog();
    const before = upstream.there('rev-parse', 'main');
    upstream.there('update-ref', 'refs/heads/main', `${before}^`);
    upstream.byHand({ 'theirs.txt': 'After the force\n' });
    return { upstream, before };
  }

  it('stops, says so, and writes nothing on either side', async () => {
    const { upstream, before } = await rewritten();
    const there = upstream.there('rev-parse', 'main');
    await patch(upstream, { description: 'Goes on here' });
    const here = upstream.installation.store.tip();
    await upstream.round();
    expect(upstream.sync.standing('main')).toMatchObject({ state: 'rewritten' });
    expect(upstream.sync.standing('main').message).toContain(before.slice(0, 12));
    expect([upstream.installation.store.tip(), upstream.there('rev-parse', 'main')]).toEqual([here, there]);
  });

  it('goes on by itself when the old commits are back', async () => {
    const { upstream, before } = await rewritten();
    await upstream.round();
    upstream.there('update-ref', 'refs/heads/main', before);
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('in-sync');
  });

  it('is joined when an operator accepts it, and what was written here stays', async () => {
    const { upstream, before } = await rewritten();
    const ours = await patch(upstream, { description: 'Goes on here' });
    await upstream.round();
    await upstream.sync.acceptUpstream();
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('in-sync');
    expect(upstream.here('show', 'main:theirs.txt')).toBe('After the force');
    expect(specOf(upstream)?.description).toBe('Goes on here');
    nothingLost(upstream, [before, ours.commit]);
  });

  it('is noticed where the branch was removed', async () => {
    const { upstream } = await rewritten();
    upstream.there('update-ref', '-d', 'refs/heads/main');
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('rewritten');
    await upstream.sync.acceptUpstream();
    await upstream.round();
    expect(upstream.there('rev-parse', 'main')).toBe(upstream.installation.store.tip());
  });

  it('may have nothing in common with ours', async () => {
    const upstream = await openUpstream();
    const tree = upstream.there('hash-object', '-t', 'tree', '-w', '/dev/null');
    const alien = upstream.there(
      '-c',
      'user.name=A',
      '-c',
      'user.email=a@b',
      'commit-tree',
      '-m',
      'Alien',
      tree,
    );
    upstream.there('update-ref', 'refs/heads/main', alien);
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('unrelated');
    await upstream.sync.acceptUpstream();
    await upstream.round();
    expect(upstream.there('rev-parse', 'main')).toBe(upstream.installation.store.tip());
    nothingLost(upstream, [alien]);
  });
});

describe('branch rendered', () => {
  const somebody = { name: 'Renderer', email: 'r@example.com', at: new Date(0) };
  const render = (upstream: Upstream, content: string) =>
    upstream.rendered.submit(() => ({
      ...{ author: somebody, committer: somebody, message: `Render\n\nIntent-Commit: ${content}\n` },
      edits: [{ path: 'a.yaml', content }],
    }));

  it('is only ever written here: a push of somebody else stops it until an operator decides', async () => {
    const upstream = await withBlog();
    await render(upstream, '1');
    await upstream.round();
    const theirs = upstream.byHand({ 'a.yaml': 'theirs' }, 'rendered');
    await render(upstream, '2');
    await upstream.round();
    expect(upstream.sync.standing('rendered')).toMatchObject({ state: 'diverged', there: theirs });
    await patch(upstream, { description: 'main goes on' });
    await upstream.round();
    expect(upstream.sync.standing('main').state).toBe('in-sync');
    await upstream.sync.keepRendered();
    await upstream.round();
    expect(upstream.sync.standing('rendered').state).toBe('in-sync');
    expect(upstream.there('show', 'rendered:a.yaml')).toBe('2');
    nothingLost(upstream, []);
  });
});
