import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { quietLog, stockGit } from '../shared/repository-for-tests.js';
import { ticking } from '../shared/installation-for-tests.js';
import { PullRequests } from './pull-requests.js';
import { Sync } from './sync.js';
import { openUpstream, SIGNAL, type Upstream } from './upstream-for-tests.js';

const TOKEN = 'a token of the platform';

/** What a server with a protected branch does, as far as the platform sees it: its merges are real ones. */
class Server {
  readonly requests: string[] = [];
  readonly authorizations = new Set<string>();
  /** Why a merge has to wait; undefined: it need not. */
  waitsFor: string | undefined;
  limit: Readonly<Record<string, string>> | undefined;
  #open: { readonly number: number; readonly head: string } | undefined;
  #count = 0;

  constructor(private readonly folder: string) {}

  async start(): Promise<string> {
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        this.authorizations.add(request.headers.authorization ?? '');
        const { status, json, headers } = this.#answer(
          `${request.method ?? ''} ${request.url ?? ''}`,
          body === '' ? {} : (JSON.parse(body) as Record<string, string>),
        );
        response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
        response.end(JSON.stringify(json));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  #answer(
    line: string,
    body: Record<string, string>,
  ): { status: number; json: unknown; headers?: Readonly<Record<string, string>> } {
    this.requests.push(line.replace(/\?.*/, ''));
    if (this.limit !== undefined) return { status: 403, json: { message: 'Wait.' }, headers: this.limit };
    if (line.startsWith('GET /repos/team/gitops/pulls?'))
      return { status: 200, json: this.#open === undefined ? [] : [this.#shown()] };
    if (line === 'POST /repos/team/gitops/pulls') {
      this.#count += 1;
      this.#open = { number: this.#count, head: body['head'] ?? '' };
      return { status: 201, json: this.#shown() };
    }
    if (/^PUT \/repos\/team\/gitops\/pulls\/\d+\/merge$/.test(line)) return this.#merge(body['sha'] ?? '');
    return { status: 404, json: { message: 'Not Found' } };
  }

  #merge(sha: string): { status: number; json: unknown } {
    const head = this.#git('rev-parse', `refs/heads/${this.#open?.head ?? ''}`);
    if (sha !== head) return { status: 409, json: { message: 'Head branch was modified.' } };
    if (this.waitsFor !== undefined) return { status: 405, json: { message: this.waitsFor } };
    const person = ['-c', 'user.name=Server', '-c', 'user.email=server@example.com'];
    const main = this.#git('rev-parse', 'main');
    const tree = this.#git('merge-tree', '--write-tree', main, head);
    const merge = this.#git(...person, 'commit-tree', '-m', 'Merge', '-p', main, '-p', head, tree);
    this.#git('update-ref', 'refs/heads/main', merge, main);
    this.#open = undefined;
    return { status: 200, json: { merged: true } };
  }

  #shown(): object {
    const number = this.#open?.number ?? 0;
    return { number, html_url: `https://git.example.com/team/gitops/pull/${number}` };
  }

  #git(...args: readonly string[]): string {
    return stockGit(this.folder, ...args);
  }
}

interface Protected {
  readonly upstream: Upstream;
  readonly server: Server;
  readonly pullRequests: PullRequests;
  readonly sync: Sync;
  readonly create: (name: string) => Promise<string>;
  readonly round: () => Promise<void>;
}

/** `main` there has the first commits, and is protected from then on: a hook of the server refuses pushes to it. */
async function openProtected(): Promise<Protected> {
  const upstream = await openUpstream();
  const { installation, folder, remote } = upstream;
  await upstream.round();
  const hook = join(folder, 'hooks', 'update');
  await mkdir(join(folder, 'hooks'), { recursive: true });
  await writeFile(
    hook,
    '#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "protected branch" >&2; exit 1; }\n',
  );
  await chmod(hook, 0o755);
  const tokenFile = join(installation.folder, 'token');
  await writeFile(tokenFile, `${TOKEN}\n`);
  const server = new Server(folder);
  const api = await server.start();
  const pullRequests = new PullRequests({ api, owner: 'team', repository: 'gitops', tokenFile, remote });
  const sync = new Sync({
    repository: installation.repository,
    remote,
    main: installation.store.main,
    rendered: upstream.rendered,
    record: (collision, by) => upstream.proposals.record(collision, by),
    propose: (commit, signal) => pullRequests.bring(commit, signal),
    alwaysPropose: false,
    onThere: () => undefined,
    log: quietLog,
    now: ticking(),
  });
  return {
    ...{ upstream, server, pullRequests, sync },
    create: async (name) => {
      const { changes, asked } = installation;
      return (await changes.create(asked, { namespace: NAMESPACE, input: { name } })).commit;
    },
    round: async () => {
      await sync.look(SIGNAL);
      await sync.push(SIGNAL);
    },
  };
}

describe('a protected main', () => {
  it('gets what was written here by a pull request that merges itself, and every commit keeps its id', async () => {
    const { upstream, server, sync, create, round, pullRequests } = await openProtected();
    const commit = await create('blog');
    await round();
    expect(upstream.there('merge-base', commit, 'main')).toBe(commit);
    expect(sync.standing('main').state).toBe('in-sync');
    expect(upstream.installation.store.tip()).toBe(upstream.there('rev-parse', 'main'));
    expect(pullRequests.open()).toBeUndefined();
    expect([...server.authorizations]).toEqual([`token ${TOKEN}`]);
  });

  it('may want checks first: later changes join the same pull request, and it says what it waits for', async () => {
    const { upstream, server, sync, create, round, pullRequests } = await openProtected();
    server.waitsFor = 'Required status check "policy" is expected.';
    await create('blog');
    await round();
    expect(pullRequests.open()).toEqual({
      number: 1,
      url: 'https://git.example.com/team/gitops/pull/1',
      message: 'Required status check "policy" is expected.',
    });
    expect(sync.standing('main').state).toBe('ahead');
    const later = await create('shop');
    await round();
    expect(pullRequests.open()?.number).toBe(1);
    server.waitsFor = undefined;
    await round();
    expect(upstream.there('merge-base', later, 'main')).toBe(later);
    expect(sync.standing('main').state).toBe('in-sync');
  });

  it('is brought together with what was merged there meanwhile', async () => {
    const { upstream, server, sync, create, round } = await openProtected();
    server.waitsFor = 'A review is missing.';
    const ours = await create('blog');
    await round();
    const theirs = upstream.byHand({ 'notes.txt': 'Merged by somebody else\n' });
    server.waitsFor = undefined;
    await round();
    await round();
    expect(sync.standing('main').state).toBe('in-sync');
    for (const commit of [ours, theirs]) expect(upstream.there('merge-base', commit, 'main')).toBe(commit);
  });

  it('is left alone for as long as the server says', async () => {
    const { server, create, round } = await openProtected();
    server.limit = { 'retry-after': '90' };
    await create('blog');
    const failure: unknown = await round().catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'rate-limited', message: 'Wait.' });
    const { retryAt } = failure as { retryAt: Date };
    expect(retryAt.getTime()).toBeGreaterThan(Date.now() + 60_000);
  });

  it('is asked for nothing where nothing differs: a server that squashes would be asked for ever', async () => {
    const { upstream, server, create, round } = await openProtected();
    server.waitsFor = 'Merge commits are not allowed on this repository.';
    await create('blog');
    await round();
    const tree = upstream.here('rev-parse', 'main^{tree}');
    const person = ['-c', 'user.name=S', '-c', 'user.email=s@example.com'];
    upstream.here('push', '--quiet', upstream.folder, `${tree}:refs/objects/tree`);
    const squashed = upstream.there(...person, 'commit-tree', '-m', 'Squashed', '-p', 'main', tree);
    upstream.there('update-ref', 'refs/heads/main', squashed);
    await round();
    const asked = server.requests.length;
    await round();
    expect(server.requests.length).toBe(asked);
  });
});

it('says plainly that it cannot push where no pull requests can be made', async () => {
  const { upstream, create } = await openProtected();
  await create('blog');
  await upstream.round();
  expect(upstream.sync.standing('main')).toMatchObject({ state: 'protected' });
  expect(upstream.sync.standing('main').message).toContain('GITOPS_REMOTE_API');
});
