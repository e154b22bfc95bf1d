import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '@fullstackagent/charts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ControllerForTests, NAMESPACE } from '../api/controller-for-tests.js';
import type { ProposalsDto, RemoteDto } from '../contract/remote.js';
import { commitWithStockGit } from '../shared/repository-for-tests.js';

/** The whole controller with a remote: a bare repository that nobody serves. */

const SECRET = 'a secret of this installation';
const PROJECTS = `/v1/tenants/${NAMESPACE}/projects`;

let folder: string;
let upstream: string;
let controller: ControllerForTests;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'remote-'));
  upstream = join(folder, 'upstream.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', upstream]);
  await writeFile(join(folder, 'secret'), SECRET);
  controller = await ControllerForTests.start({
    GITOPS_REMOTE: upstream,
    GITOPS_REMOTE_WEBHOOK_SECRET_FILE: join(folder, 'secret'),
    // Nothing comes by itself in these tests: what has to come at once is told.
    GITOPS_REMOTE_FETCH_SECONDS: '3600',
  });
});
afterAll(async () => {
  await controller.stop();
  await rm(folder, { recursive: true, force: true });
});

const there = (...args: readonly string[]): string =>
  execFileSync('git', ['--git-dir', upstream, ...args], { encoding: 'utf8' }).trim();
const shown = async (): Promise<RemoteDto & { configured: true }> =>
  (await controller.call('GET', '/v1/remote', { as: 'operator' })).json as unknown as RemoteDto & {
    configured: true;
  };
const sync = () => controller.call('POST', '/v1/remote/sync', { as: 'operator', body: {} });
const described = async (name: string): Promise<unknown> =>
  (await controller.call('GET', `${PROJECTS}/${name}`, { as: 'owner' })).json['description'];

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`It did not come to this: ${what}`);
}

describe('a controller with a remote', () => {
  it('brings both branches there by itself', async () => {
    await controller.call('POST', PROJECTS, { as: 'owner', body: { name: 'Blog', description: 'First' } });
    await until(async () => (await shown()).main.state === 'in-sync', 'main is there');
    await until(async () => (await shown()).rendered.state === 'in-sync', 'rendered is there');
    expect(there('ls-tree', '-r', '--name-only', 'rendered')).toContain('/blog/');
    expect(await shown()).toMatchObject({
      configured: true,
      address: upstream,
      acknowledge: 'local',
      main: { state: 'in-sync', waiting: 0 },
      proposals: 0,
    });
  });

  it('fetches when it is told by a webhook with the right signature, and only then', async () => {
    const path = projectPath(NAMESPACE, 'blog');
    const text = there('show', `main:${path}`);
    commitWithStockGit(upstream, 'main', { [path]: text.replace('First', 'By hand') });
    const body = JSON.stringify({ ref: 'refs/heads/main' });
    const hook = (headers: Record<string, string>) =>
      controller.call('POST', '/webhooks/remote', { body, headers });
    const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    for (const headers of [
      {},
      { 'X-Hub-Signature-256': signed('another secret') },
      { 'X-Hub-Signature-256': 'sha256=' },
      { 'X-Gitlab-Token': 'another secret' },
    ] as Record<string, string>[])
      expect((await hook(headers)).status).toBe(401);
    expect(await described('blog')).toBe('First');
    expect((await hook({ 'X-Hub-Signature-256': signed(SECRET) })).status).toBe(202);
    await until(async () => (await described('blog')) === 'By hand', 'the change is here');
    expect((await hook({ 'X-Gitlab-Token': SECRET })).status).toBe(202);
  });

  it('shows what both changed to those who may decide, and takes their word', async () => {
    const path = projectPath(NAMESPACE, 'blog');
    await sync();
    await controller.call('PATCH', `${PROJECTS}/blog`, { as: 'owner', body: { description: 'Ours' } });
    commitWithStockGit(upstream, 'main', {
      [path]: there('show', `main:${path}`).replace('By hand', 'Theirs'),
    });
    await sync();
    expect(await described('blog')).toBe('Ours');
    const { json } = await controller.call('GET', `${PROJECTS}/blog/proposals`, { as: 'viewer' });
    const { proposals } = json as unknown as ProposalsDto;
    expect(proposals).toHaveLength(1);
    const accept = `${PROJECTS}/blog/proposals/${proposals[0]?.id ?? ''}/accept`;
    expect((await controller.call('POST', accept, { as: 'viewer', body: {} })).status).toBe(403);
    expect((await controller.call('POST', accept, { as: 'stranger', body: {} })).status).toBe(404);
    expect((await controller.call('POST', accept, { as: 'maintainer', body: {} })).status).toBe(202);
    expect(await described('blog')).toBe('Theirs');
    expect((await controller.call('POST', accept, { as: 'maintainer', body: {} })).status).toBe(404);
  });

  it.each([
    ['GET', '/v1/remote'],
    ['POST', '/v1/remote/sync'],
    ['POST', '/v1/remote/accept-upstream'],
    ['POST', '/v1/remote/keep-rendered'],
    ['GET', '/v1/proposals'],
    ['POST', '/v1/proposals/0123456789abcdef/accept'],
  ])('%s %s is for operators', async (method, path) => {
    expect((await controller.call(method, path, { as: 'owner' })).status).toBe(403);
    expect((await controller.call(method, path)).status).toBe(401);
  });

  it.each(['accept-upstream', 'keep-rendered'])('%s says so where nothing is to decide', async (path) => {
    const answer = await controller.call('POST', `/v1/remote/${path}`, { as: 'operator', body: {} });
    expect(answer.json['code']).toBe('ACTION_NOT_ALLOWED');
  });

  it('comes back whole where its volume was lost: the same commits, on both branches', async () => {
    await sync();
    const before = there('rev-parse', 'main', 'rendered');
    await controller.restart(() => rm(join(controller.folder, 'gitops.git'), { recursive: true }));
    expect(await described('blog')).toBe('Theirs');
    const here = execFileSync(
      'git',
      ['--git-dir', join(controller.folder, 'gitops.git'), 'rev-parse', 'main', 'rendered'],
      { encoding: 'utf8' },
    );
    expect(here.trim()).toBe(before);
  });

  it('shows that the remote does not answer, and goes on when it does', async () => {
    await sync();
    const gone = `${upstream}.gone`;
    await rename(upstream, gone);
    await sync();
    expect((await shown()).failure).toMatchObject({ kind: 'not-found' });
    await controller.call('PATCH', `${PROJECTS}/blog`, { as: 'owner', body: { description: 'Meanwhile' } });
    expect((await shown()).main).toMatchObject({ state: 'ahead', waiting: 1 });
    await rename(gone, upstream);
    await sync();
    expect((await shown()).failure).toBeUndefined();
    expect((await shown()).main).toMatchObject({ state: 'in-sync', waiting: 0 });
  });
});

describe('with ACK=replicated', () => {
  it('a change is acknowledged when it is there too, and not before', async () => {
    const own = join(folder, 'replicated.git');
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', own]);
    const replicating = await ControllerForTests.start({ GITOPS_REMOTE: own, ACK: 'replicated' });
    try {
      const { json } = await replicating.call('POST', PROJECTS, { as: 'owner', body: { name: 'Blog' } });
      const commit = String(json['commit']);
      const base = execFileSync('git', ['--git-dir', own, 'merge-base', commit, 'main'], {
        encoding: 'utf8',
      });
      expect(base.trim()).toBe(commit);
    } finally {
      await replicating.stop();
    }
  });
});
