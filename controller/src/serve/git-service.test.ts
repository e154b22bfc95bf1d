import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, utimes } from 'node:fs/promises';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { projectPath, writeDocument } from '@fullstackagent/charts';
import express from 'express';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { people, tokenOf } from '../api/controller-for-tests.js';
import { PortalTokens } from '../api/portal-tokens.js';
import { assignRequestId } from '../api/request.js';
import { gitRoutes } from '../api/routes/git.js';
import { NAMESPACE, OWNER, project } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, repositoryOptions, stockGit } from '../shared/repository-for-tests.js';
import { GitClient } from './git-client-for-tests.js';
import type { GitLimits } from './git-service.js';
import { startGitService } from './index.js';
import { packet } from './pkt-line.js';
import { removeOldQuarantines } from './quarantine.js';
import { asPerson, startSigningGateway } from './signing-gateway-for-tests.js';

/** Limits, and clients that are slow, gone or not git. */

interface Served {
  readonly installation: Installation;
  readonly port: number;
  readonly logged: readonly string[];
  clone(): Promise<GitClient>;
}

const bearer = async (sub: string = people.operator): Promise<string> =>
  `Bearer ${await tokenOf('operator', { sub })}`;
const headersOf = (sub: string) => (): Promise<readonly string[]> => Promise.resolve([asPerson(sub)]);

async function serve(limits: Partial<GitLimits> = {}): Promise<Served> {
  const installation = await withTenant(await openInstallation());
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  const { searchPath } = repositoryOptions;
  const { repository, store, folder } = installation;
  const git = await startGitService({ repository, searchPath, store, log, limits });
  const app = express();
  app.use(assignRequestId, gitRoutes({ git, log, tokens: new PortalTokens(Buffer.alloc(32, 7)) }));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    await git.stop();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const gateway = await startSigningGateway(() => port, bearer);
  onTestFinished(() => {
    gateway.stop();
  });
  let clones = 0;
  return {
    installation,
    port,
    logged,
    clone: async () => {
      const name = `clone-${(clones += 1)}`;
      const operator = headersOf(people.operator);
      await new GitClient(folder, operator).must(
        'clone',
        '--quiet',
        `http://127.0.0.1:${gateway.port}/gitops.git`,
        name,
      );
      return new GitClient(join(folder, name), operator);
    },
  };
}

interface Sent {
  readonly outgoing: ClientRequest;
  readonly answer: Promise<IncomingMessage>;
}

async function send(
  { port }: Served,
  service: 'git-upload-pack' | 'git-receive-pack',
  headers: Record<string, string> = {},
): Promise<Sent> {
  const outgoing = httpRequest({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: `/gitops.git/${service}`,
    headers: {
      authorization: await bearer(),
      'content-type': `application/x-${service}-request`,
      ...headers,
    },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).on('error', reject);
  });
  answer.catch(() => undefined);
  return { outgoing, answer };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return text;
}

/** What `git push` sends for the commits that `main` of the clone's origin has not. */
async function pushOf(client: GitClient): Promise<Buffer> {
  const tip = await client.must('rev-parse', 'HEAD');
  const args = ['-C', client.folder, 'pack-objects', '--revs', '--stdout', '-q'];
  const { stdout } = spawnSync('git', args, { input: `${tip}\n^origin/main\n` });
  const command = packet(`${'0'.repeat(40)} ${tip} refs/for/main\0report-status`);
  return Buffer.concat([command, Buffer.from('0000'), stdout]);
}

const quarantined = async ({ installation }: Served): Promise<boolean> =>
  (await readdir(join(installation.gitDir, 'objects'))).some((name) => name.startsWith('tmp_objdir'));

const objectsIn = ({ installation }: Served): string => stockGit(installation.gitDir, 'count-objects', '-v');

describe('the limits', () => {
  it('send away who comes when all places are taken, and let in the next one', async () => {
    const served = await serve({ reads: 1 });
    const { outgoing, answer } = await send(served, 'git-upload-pack');
    outgoing.on('error', () => undefined);
    outgoing.flushHeaders();
    const offer = async (): Promise<Response> =>
      fetch(`http://127.0.0.1:${served.port}/gitops.git/info/refs?service=git-upload-pack`, {
        headers: { authorization: await bearer() },
      });
    await expect.poll(async () => (await offer()).status).toBe(503);
    const refused = await offer();
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await refused.text()).toBe('Too many clones and pushes are under way. Try again in a moment.\n');
    outgoing.destroy();
    await answer.catch(() => undefined);
    await expect.poll(async () => (await offer()).status).toBe(200);
  });

  it('end a push that takes too long, and give its place to the next', async () => {
    const served = await serve({ pushes: 1, pushMs: 5_000 });
    const client = await served.clone();
    await client.commit('README.md', () => '# slow\n');
    const before = objectsIn(served);
    const { outgoing, answer } = await send(served, 'git-receive-pack');
    outgoing.write((await pushOf(client)).subarray(0, -10));
    await expect(answer.then(textOf)).rejects.toThrow();
    await expect.poll(() => quarantined(served)).toBe(false);
    expect(objectsIn(served)).toBe(before);
    await expect.poll(async () => (await client.push()).code).toBe(0);
  });

  it('refuse a pack that is too large, before it is on the disk', async () => {
    const served = await serve({ pushBytes: 256 * 1024 });
    const client = await served.clone();
    await client.commit('large', () => randomBytes(24 * 1024 * 1024));
    const before = objectsIn(served);
    const { code, shown } = await client.push();
    expect(code).not.toBe(0);
    expect(shown).toContain('pack exceeds maximum allowed size');
    expect(objectsIn(served)).toBe(before);
    expect(await quarantined(served)).toBe(false);
  });
});

describe('a client', () => {
  it('that goes away in the middle of a push leaves nothing', async () => {
    const served = await serve();
    const client = await served.clone();
    await client.commit('README.md', () => randomBytes(400_000).toString('hex'));
    const [before, push] = [objectsIn(served), await pushOf(client)];
    const { outgoing } = await send(served, 'git-receive-pack', { 'content-length': `${push.length}` });
    outgoing.on('error', () => undefined).write(push.subarray(0, push.length / 2));
    await expect.poll(() => quarantined(served)).toBe(true);
    outgoing.destroy();
    await expect.poll(() => quarantined(served)).toBe(false);
    expect(objectsIn(served)).toBe(before);
    expect((await client.push()).shown).toContain('remote: Merged as');
  });

  it('may send its request compressed, in chunks, and in the second version of the protocol', async () => {
    const served = await serve();
    const body = Buffer.concat([packet('command=ls-refs\n'), Buffer.from('0001'), Buffer.from('0000')]);
    const { outgoing, answer } = await send(served, 'git-upload-pack', {
      'content-encoding': 'gzip',
      'git-protocol': 'version=2',
    });
    outgoing.end(gzipSync(body));
    const tip = stockGit(served.installation.gitDir, 'rev-parse', 'main');
    expect(await textOf(await answer)).toContain(`${tip} refs/heads/main`);
  });

  it('that sends something else gets an answer, and git’s complaint goes to the log', async () => {
    const served = await serve();
    const { outgoing, answer } = await send(served, 'git-upload-pack', { 'content-type': 'text/plain' });
    outgoing.end('x');
    expect((await answer).statusCode).toBe(415);
    const garbled = await send(served, 'git-receive-pack');
    garbled.outgoing.end('this is no pkt-line');
    await textOf(await garbled.answer).catch(() => undefined);
    await expect.poll(() => served.logged.join('')).toContain('git did not finish an answer');
  });

  it('that asks for a protocol nobody knows is answered in the first', async () => {
    const { port } = await serve();
    const answer = await fetch(`http://127.0.0.1:${port}/gitops.git/info/refs?service=git-upload-pack`, {
      headers: { authorization: await bearer(), 'git-protocol': 'version=2:$(id)' },
    });
    expect(await answer.text()).not.toContain('version 2');
  });
});

describe('what a killed push left', () => {
  it('goes at the next start, when it is too old to be under way', async () => {
    const { gitDir } = await openInstallation();
    const [old, young] = ['old', 'young'].map((name) =>
      join(gitDir, 'objects', `tmp_objdir-incoming-${name}`),
    );
    for (const folder of [old, young]) await mkdir(join(folder ?? '', 'pack'), { recursive: true });
    const hoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(old ?? '', hoursAgo, hoursAgo);
    await removeOldQuarantines(gitDir, Date.now());
    expect((await readdir(join(gitDir, 'objects'))).filter((name) => name.startsWith('tmp_'))).toEqual([
      'tmp_objdir-incoming-young',
    ]);
  });
});

describe('pushes at the same time', () => {
  const path = projectPath(NAMESPACE, 'shared');

  it('of one field differently: one is merged, the other is told', async () => {
    const served = await serve();
    const { gitDir, store } = served.installation;
    commitWithStockGit(gitDir, 'main', { 'NOTES.md': 'one\n' });
    await store.refresh();
    const clients = await Promise.all([served.clone(), served.clone()]);
    await Promise.all(clients.map((client, at) => client.commit('NOTES.md', () => `by ${at}\n`)));
    const outcomes = await Promise.all(clients.map((client) => client.push()));
    expect(outcomes.map(({ code }) => code).sort()).toEqual([0, 1]);
    const lost = outcomes.find(({ code }) => code === 1);
    expect(lost?.shown).toContain('NOTES.md: changed on main meanwhile, in another way.');
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('and changes of the same document through the portal: every one that was accepted is there', async () => {
    const served = await serve();
    const { gitDir, store, changes, asked } = served.installation;
    commitWithStockGit(gitDir, 'main', { [path]: writeDocument(project('shared')) });
    await store.refresh();
    const clients = await Promise.all([served.clone(), served.clone(), served.clone()]);
    const pushers = clients.map(({ folder }) => new GitClient(folder, headersOf(OWNER)));
    const [first, ...others] = pushers;
    await first?.commit(path, (text) => text.replace(/displayName: .*/, 'displayName: Pushed'));
    await Promise.all(
      others.map((client, at) =>
        client.commit(projectPath(NAMESPACE, `new-${at}`), () => writeDocument(project(`new-${at}`))),
      ),
    );
    const key = { namespace: NAMESPACE, name: 'shared' };
    let [pushing, last] = [true, 0];
    const patching = (async () => {
      while (pushing) await changes.patch(asked, { key, input: { description: `Change ${(last += 1)}` } });
    })();
    const outcomes = await Promise.all(pushers.map((client) => client.push()));
    pushing = false;
    await patching;
    expect(outcomes.map(({ shown }) => shown)).toEqual(Array(3).fill(expect.stringContaining('Merged as')));
    expect(store.project(key)?.document.spec).toMatchObject({
      displayName: 'Pushed',
      description: `Change ${last}`,
    });
    // Each change on the line of first parents keeps what came before it: no description goes back.
    const described = stockGit(
      gitDir,
      'log',
      '--first-parent',
      '--reverse',
      '--format=',
      '-p',
      'main',
      '--',
      path,
    )
      .split('\n')
      .flatMap((line) => /^\+ {2}description: Change (\d+)$/.exec(line)?.[1] ?? []);
    expect(described).toEqual(Array.from({ length: last }, (_, at) => `${at + 1}`));
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });
});
