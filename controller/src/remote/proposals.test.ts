import { projectPath } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openUpstream, type Upstream } from './upstream-for-tests.js';

const BLOG = projectPath(NAMESPACE, 'blog');
const key = { namespace: NAMESPACE, name: 'blog' };

/** Both changed the description; the one from there waits. */
async function withProposal(): Promise<Upstream & { id: string }> {
  const upstream = await openUpstream();
  const { changes, asked } = upstream.installation;
  await changes.create(asked, { namespace: NAMESPACE, input: { name: 'blog', description: 'First' } });
  await upstream.round();
  await changes.patch(asked, { key, input: { description: 'Ours' } });
  upstream.byHand({ [BLOG]: upstream.there('show', `main:${BLOG}`).replace('First', 'Theirs') });
  await upstream.round();
  const [proposal] = await upstream.proposals.list();
  if (proposal === undefined) throw new Error('There is no proposal.');
  return { ...upstream, id: proposal.id };
}

const spec = ({ installation }: Upstream) => installation.store.project(key)?.document.spec;

describe('a proposal', () => {
  it('that is accepted is a change of the person who did it, and what changed since stays', async () => {
    const upstream = await withProposal();
    const { changes, asked } = upstream.installation;
    await changes.patch(asked, { key, input: { displayName: 'Renamed meanwhile' } });
    const { commit } = await upstream.proposals.accept(asked, upstream.id);
    expect(spec(upstream)).toMatchObject({ description: 'Theirs', displayName: 'Renamed meanwhile' });
    expect(upstream.here('log', '-1', '--format=%an|%(trailers:key=Action,valueonly)', commit)).toContain(
      'Ada|accept-proposal',
    );
    expect(await upstream.proposals.list()).toEqual([]);
    await expect(upstream.proposals.accept(asked, upstream.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that is dismissed leaves what stands, and a commit that says so', async () => {
    const upstream = await withProposal();
    const { commit } = await upstream.proposals.dismiss(upstream.installation.asked, upstream.id);
    expect(spec(upstream)?.description).toBe('Ours');
    expect(upstream.here('log', '-1', '--format=%(trailers:key=Action,valueonly)', commit)).toBe(
      'dismiss-proposal',
    );
    expect(await upstream.proposals.count()).toBe(0);
  });

  it('counts even where somebody changed the same field again', async () => {
    const upstream = await withProposal();
    const { changes, asked } = upstream.installation;
    await changes.patch(asked, { key, input: { description: 'Ours, again' } });
    expect((await upstream.proposals.list())[0]?.fields).toMatchObject([
      { field: 'description', theirs: { value: 'Ours, again' }, yours: { value: 'Theirs' } },
    ]);
    await upstream.proposals.accept(asked, upstream.id);
    expect(spec(upstream)?.description).toBe('Theirs');
  });

  it('is the same one where the merge was tried twice, and none where it never came about', async () => {
    const upstream = await withProposal();
    const { repository, store } = upstream.installation;
    const collision = { path: BLOG, base: null, theirs: null, proposed: 'text' };
    const by = { tip: store.tip() ?? '', theirs: 'f'.repeat(40), last: undefined };
    await upstream.proposals.record(collision, by);
    await upstream.proposals.record(collision, by);
    expect((await repository.refs.list('refs/proposals/')).size).toBe(2);
    expect((await upstream.proposals.list()).map(({ id }) => id)).toEqual([upstream.id]);
  });

  it('shows no sealed value', async () => {
    const upstream = await openUpstream();
    const { changes, asked } = upstream.installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'blog' } });
    await upstream.round();
    const variable = (sealed: string): string => `  env:\n    - name: KEY\n      sealed: ${sealed}\n`;
    const text = upstream.there('show', `main:${BLOG}`);
    const withKey = (sealed: string): string => text.replace(/ {2}env: \[\]\n?/, variable(sealed));
    expect(withKey('AgAAAA')).not.toBe(text);
    await upstream.installation.store.change({
      ...asked,
      action: 'environment',
      subject: 'Set KEY',
      decide: () => [{ path: BLOG, content: withKey('AgBBBBBBBBBBBBBBBBBB') }],
    });
    upstream.byHand({ [BLOG]: withKey('AgCCCCCCCCCCCCCCCCCC') });
    await upstream.round();
    const [proposal] = await upstream.proposals.list();
    expect(proposal?.fields).toEqual([
      { field: 'variables.KEY', base: null, theirs: { secret: true }, yours: { secret: true } },
    ]);
  });

  it('about bytes that are no text is refused with a way out', async () => {
    const upstream = await openUpstream();
    const { asked, store } = upstream.installation;
    await upstream.round();
    await store.change({
      ...asked,
      action: 'x',
      subject: 'x',
      decide: () => [{ path: 'logo.bin', content: 'a' }],
    });
    upstream.byHand({ 'logo.bin': 'a\0b' });
    await upstream.round();
    const [proposal] = await upstream.proposals.list();
    await expect(upstream.proposals.accept(asked, proposal?.id ?? '')).rejects.toThrow(/no text there/);
    expect(upstream.here('show', 'main:logo.bin')).toBe('a');
  });
});
