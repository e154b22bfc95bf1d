import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RemoteAddress } from '../model/remote.js';
import { startGitServer, type GitServer } from './git-server-for-tests.js';
import { GitRemote, plainProjection } from '../git/index.js';
import { openForTest, repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';

import { shown } from '../git/remote-failure.js';

const TOKEN = 'ghp_S3cret/with+odd$chars"and\'quotes';
const SIGNAL: AbortSignal = new AbortController().signal;

interface Bench {
  readonly folder: string;
  readonly gitDir: string;
  readonly server: GitServer;
  readonly commit: string;
  readonly remote: (address?: Partial<RemoteAddress>) => GitRemote;
}

/** A repository with one commit, and a server that wants the token. */
async function open(): Promise<Bench> {
  const folder = await temporaryFolder();
  const gitDir = join(folder, 'gitops.git');
  const upstream = join(folder, 'upstream.git');
  stockGit(folder, 'init', '--quiet', '--bare', upstream);
  const repository = await openForTest(gitDir);
  const main = await repository.branch('main', plainProjection);
  const somebody = { name: 'A', email: 'a@example.com', at: new Date(0) };
  const { commit } = await main.submit(() => ({
    ...{ author: somebody, committer: somebody, message: 'First' },
    edits: [{ path: 'a', content: '1' }],
  }));
  const tokenFile = join(folder, "it's a token");
  await writeFile(tokenFile, `${TOKEN}\n`);
  const server = await startGitServer(upstream, { user: 'platform', token: TOKEN });
  const location = { gitDir, searchPath: repositoryOptions.searchPath };
  return {
    ...{ folder, gitDir, server, commit },
    remote: (address) =>
      new GitRemote(location, { url: server.url, user: 'platform', tokenFile, ...address }),
  };
}

/** What every process of this machine has in its arguments and its environment, again and again until it is ended. */
function watchProcesses(): () => string {
  let seen = '';
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const file of ['cmdline', 'environ'])
        try {
          seen += readFileSync(`/proc/${pid}/${file}`, 'utf8');
        } catch {
          // It has ended, or is somebody else's.
        }
  };
  const timer = setInterval(look, 1);
  onTestFinished(() => clearInterval(timer));
  return () => {
    clearInterval(timer);
    return seen;
  };
}

describe('the credentials of a remote', () => {
  it('reach the server, and nothing that others can read', async () => {
    const { remote, server, gitDir, folder, commit } = await open();
    const seen = watchProcesses();
    const git = remote();
    expect(await git.push({ main: commit }, SIGNAL)).toEqual([{ branch: 'main', outcome: 'pushed' }]);
    expect(await git.tips(SIGNAL)).toEqual(new Map([['main', commit]]));
    await git.fetch(['main'], SIGNAL);
    expect(server.authorizations.some((text) => text.startsWith('Basic '))).toBe(true);
    const processes = seen();
    expect(processes).toContain('git-remote-http');
    expect(processes).not.toContain(TOKEN);
    expect(processes).not.toContain(Buffer.from(`platform:${TOKEN}`).toString('base64'));
    for (const path of ['config', 'fullstackagent.config'])
      expect(await readFile(join(gitDir, path), 'utf8')).not.toMatch(/credential|ghp_/);
    expect(stockGit(folder, 'grep', '--no-index', '-l', 'ghp_', '--', '.')).toBe("it's a token");
  });

  it('are read anew each time', async () => {
    const { remote, folder } = await open();
    const tokenFile = join(folder, 'rotated');
    await writeFile(tokenFile, 'old');
    const git = remote({ tokenFile });
    await expect(git.tips(SIGNAL)).rejects.toMatchObject({ kind: 'unauthorized' });
    await writeFile(tokenFile, TOKEN);
    expect(await git.tips(SIGNAL)).toEqual(new Map());
  });

  it('are in no message, whoever wrote it', async () => {
    const { remote, server } = await open();
    server.refuseWith = { status: 500, text: TOKEN };
    const failure: unknown = await remote()
      .tips(SIGNAL)
      .catch((error: unknown) => error);
    expect(String(failure)).not.toContain(TOKEN);
    expect(shown(`fatal: https://me:${TOKEN}@host/x said ${TOKEN}`, [TOKEN])).toBe('https://host/x said ***');
  });
});

describe('a failure', () => {
  it.each([
    [401, 'unauthorized'],
    [403, 'unauthorized'],
    [404, 'not-found'],
    [429, 'rate-limited'],
    [502, 'unreachable'],
  ])('with status %d is %s', async (status, kind) => {
    const { remote, server } = await open();
    server.refuseWith = { status, text: '' };
    await expect(remote().tips(SIGNAL)).rejects.toMatchObject({ kind });
  });

  it('of a server that is not there, or of a folder', async () => {
    const { remote, folder } = await open();
    await expect(remote({ url: 'http://127.0.0.1:1/x.git' }).tips(SIGNAL)).rejects.toMatchObject({
      kind: 'unreachable',
    });
    await expect(remote({ url: join(folder, 'nowhere') }).tips(SIGNAL)).rejects.toMatchObject({
      kind: 'not-found',
    });
  });

  it('comes at once where the platform stops', async () => {
    const { remote } = await open();
    const stopped = new AbortController();
    const asked = remote().tips(stopped.signal);
    stopped.abort();
    await expect(asked).rejects.toThrow();
  });
});

describe('a push', () => {
  it('says of each branch what became of it', async () => {
    const { remote, folder, commit } = await open();
    const upstream = join(folder, 'upstream.git');
    const git = remote();
    await git.push({ main: commit, rendered: commit }, SIGNAL);
    const hook = '#!/bin/sh\ncase "$1" in refs/heads/main) echo "only by pull request" >&2; exit 1;; esac\n';
    await mkdir(join(upstream, 'hooks'), { recursive: true });
    await writeFile(join(upstream, 'hooks', 'update'), hook, { mode: 0o755 });
    const person = ['-c', 'user.name=H', '-c', 'user.email=h@example.com'];
    const tree = stockGit(upstream, 'rev-parse', 'main^{tree}');
    const elsewhere = stockGit(upstream, ...person, 'commit-tree', '-m', 'E', '-p', commit, tree);
    stockGit(upstream, 'update-ref', 'refs/heads/rendered', elsewhere);
    const gitDir = join(folder, 'gitops.git');
    const next = stockGit(gitDir, ...person, 'commit-tree', '-m', 'N', '-p', commit, tree);
    expect(await git.push({ main: next, rendered: next }, SIGNAL)).toEqual([
      { branch: 'main', outcome: 'protected', reason: 'hook declined' },
      { branch: 'rendered', outcome: 'behind', reason: 'fetch first' },
    ]);
  });

  it('never sends credentials where a server sends it', async () => {
    const { remote, server } = await open();
    const elsewhere = await startGitServer('/nowhere', undefined);
    server.refuseWith = { status: 302, text: elsewhere.url };
    await expect(remote().tips(SIGNAL)).rejects.toThrow();
    expect(elsewhere.authorizations).toEqual([]);
  });
});
