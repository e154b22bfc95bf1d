import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RemoteDto } from '@fullstackagent/controller/contract';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { OWNER, owner } from '../support/fixtures.js';
import { removeFolder, temporaryFolder } from '../support/folders.js';
import { git, log, tip } from '../support/git.js';
import { journey } from '../support/journey.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';

type Branch = 'main' | 'rendered';

const SECRET = 'a-secret-that-both-sides-know';
const ADA_ELSEWHERE = ['-c', 'user.name=Grace', '-c', 'user.email=grace@example.com'];

/** A bare repository somewhere else, and a clone of it in which somebody works with stock git. */
class Elsewhere {
  readonly folder = temporaryFolder('elsewhere');
  readonly repository = join(this.folder, 'gitops.git');
  readonly secretFile = join(this.folder, 'webhook-secret');
  readonly #clone = join(this.folder, 'clone');

  constructor() {
    mkdirSync(this.repository);
    git(this.repository, 'init', '--quiet', '--bare', '--initial-branch=main');
    writeFileSync(this.secretFile, `${SECRET}\n`, { mode: 0o600 });
  }

  clone(): void {
    git(this.folder, 'clone', '--quiet', this.repository, 'clone');
  }

  /** Makes the clone what is there now. */
  fetch(): void {
    git(this.#clone, 'fetch', '--quiet', 'origin');
    git(this.#clone, 'reset', '--quiet', '--hard', 'origin/main');
  }

  /** A commit in the clone that replaces text of a file. */
  change(path: string, [from, to]: readonly [string, string], subject: string): void {
    const file = join(this.#clone, path);
    const text = readFileSync(file, 'utf8');
    if (!text.includes(from)) throw new Error(`${path} does not contain ${from}:\n${text}`);
    writeFileSync(file, text.replace(from, to));
    git(this.#clone, ...ADA_ELSEWHERE, 'commit', '--quiet', '--all', '--message', subject);
  }

  push(...options: readonly string[]): string {
    git(this.#clone, 'push', '--quiet', ...options, 'origin', 'HEAD:refs/heads/main');
    return git(this.#clone, 'rev-parse', 'HEAD');
  }

  /** Forgets the newest commit of the clone. */
  goBack(): void {
    git(this.#clone, 'reset', '--quiet', '--hard', 'HEAD~1');
  }
}

describe('a repository somewhere else', () => {
  const elsewhere = new Elsewhere();
  let api: Api;
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  let document: string;
  const platform = journey('remote', {
    env: {
      GITOPS_REMOTE: elsewhere.repository,
      GITOPS_REMOTE_WEBHOOK_SECRET_FILE: elsewhere.secretFile,
      // What is changed there is heard of by webhook only.
      GITOPS_REMOTE_FETCH_SECONDS: '3600',
      GITOPS_REMOTE_PUSHES_PER_MINUTE: '600',
    },
    opened: async (opened) => {
      ({ page, project, complaints } = opened);
      api = await owner(platform.url);
      await page.goto(`${platform.url}/login`);
      await project.signIn(OWNER);
      await page.waitForURL(/\/projects/);
    },
  });
  afterAll(() => {
    removeFolder(elsewhere.folder);
  });

  const here = (branch: Branch): string => tip(platform.repository, branch);
  const there = (branch: Branch): string => tip(elsewhere.repository, branch);
  const bothSame = (): Promise<true> =>
    until('both branches to be the same there', () =>
      (['main', 'rendered'] as const).every((branch) => here(branch) === there(branch)),
    );

  async function operations(): Promise<void> {
    await page.goto(`${platform.url}/operations`);
    await page.getByTestId('remote-main').waitFor();
  }

  const stateOf = async (branch: Branch): Promise<string> => {
    const remote = await api.ask<RemoteDto>('GET', '/api/remote');
    return remote.configured ? remote[branch].state : 'not configured';
  };

  /** As a server of git does after a push. */
  async function tellThePortal(secret = SECRET): Promise<number> {
    const body = JSON.stringify({ ref: 'refs/heads/main' });
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const response = await fetch(`${platform.url}/webhooks/remote`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-hub-signature-256': signature },
    });
    return response.status;
  }

  it('has everything a moment after it was made here', async () => {
    await api.create({ name: 'My Blog', description: 'First words' });
    const { namespace } = await api.waitFor('my-blog', 'RUNNING');
    document = `tenants/${namespace.slice(3, 5)}/${namespace}/projects/my-blog.yaml`;
    await bothSame();
    const created = log(elsewhere.repository, 'main').find(
      ({ trailers }) => trailers.get('Action') === 'create',
    );
    expect(created?.author).toBe(OWNER.username);
    await operations();
    await page.locator('[data-testid="remote-main"][data-state="in-sync"]').waitFor();
    await page.getByText(elsewhere.repository, { exact: true }).waitFor();
    await page.getByText('Nothing waits for a decision.').waitFor();
    await pictures(page, 'remote-in-sync', { fullPage: true });
  });

  it('is believed when it says, signed, that something was changed there', async () => {
    elsewhere.clone();
    elsewhere.change(document, ['displayName: My Blog', 'displayName: Our Blog'], 'Rename my-blog');
    const commit = elsewhere.push();
    expect(await tellThePortal('another secret')).toBe(401);
    expect((await api.project('my-blog')).displayName).toBe('My Blog');
    expect(await tellThePortal()).toBe(202);
    await page.goto(`${platform.url}/projects`);
    await page.getByText('Our Blog').first().waitFor();
    expect(log(platform.repository, 'main').map(({ id }) => id)).toContain(commit);
    await bothSame();
  });

  it('proposes what was changed on both sides, and what is here stands', async () => {
    elsewhere.fetch();
    elsewhere.change(document, ['displayName: Our Blog', 'displayName: Their Blog'], 'Name it theirs');
    elsewhere.push();
    await api.ask('PATCH', '/api/projects/my-blog', {
      displayName: 'Mine',
      version: (await api.project('my-blog')).version,
    });
    await operations();
    const proposal = page.getByTestId('proposal');
    await page.getByRole('button', { name: 'Sync now' }).click();
    await proposal.waitFor();
    for (const text of ['Mine', 'Their Blog', 'Our Blog', 'Name it theirs', 'by Grace'])
      await proposal.getByText(text).first().waitFor();
    expect((await api.project('my-blog')).displayName).toBe('Mine');
    await pictures(page, 'remote-proposal', { fullPage: true });
  });

  it('is decided about by the people of the project', async () => {
    await project.open(platform.url, 'my-blog');
    await page.getByText('A change made elsewhere waits for a decision').waitFor();
    await pictures(page, 'project-with-proposal');
    await page.getByRole('link', { name: 'Decide' }).click();
    await page.getByTestId('proposal').waitFor();
    await pictures(page, 'project-proposals');
    await page.getByRole('button', { name: 'Accept', exact: true }).click();
    await project.confirm('Accept');
    await page.getByText('Nothing waits for a decision.').waitFor();
    await page.getByRole('heading', { name: 'Their Blog' }).waitFor();
    expect((await api.project('my-blog')).displayName).toBe('Their Blog');
    await bothSame();
  });

  it('is not followed when its history is rewritten, until an operator says so', async () => {
    elsewhere.fetch();
    elsewhere.goBack();
    elsewhere.change(document, ['description: First words', 'description: Rewritten'], 'Rewrite history');
    const before = here('main');
    const rewritten = elsewhere.push('--force');
    expect(await tellThePortal()).toBe(202);
    await operations();
    await page.locator('[data-testid="remote-main"][data-state="rewritten"]').waitFor();
    expect(here('main')).toBe(before);
    expect(there('main')).toBe(rewritten);
    await pictures(page, 'remote-rewritten', { fullPage: true });
    await page.getByTestId('remote-main').getByRole('button', { name: 'Accept' }).click();
    await page.getByRole('alertdialog').waitFor();
    await pictures(page, 'remote-rewritten-asked');
    await project.confirm('Accept');
    await page.locator('[data-testid="remote-main"][data-state="in-sync"]').waitFor();
    await bothSame();
    const commits = log(platform.repository, 'main').map(({ id }) => id);
    expect(commits).toEqual(expect.arrayContaining([before, rewritten]));
    expect((await api.project('my-blog')).description).toBe('Rewritten');
  });

  it('may be pushed to by nobody else where rendered is concerned', async () => {
    const tree = git(elsewhere.repository, 'rev-parse', 'rendered^{tree}');
    const foreign = git(
      elsewhere.repository,
      ...ADA_ELSEWHERE,
      ...['commit-tree', tree, '-p', there('rendered'), '-m', 'Touch rendered'],
    );
    git(elsewhere.repository, 'update-ref', 'refs/heads/rendered', foreign);
    await tellThePortal();
    await until('it to be noticed', async () => (await stateOf('rendered')) === 'diverged');
    await operations();
    const row = page.getByTestId('remote-rendered');
    await row.getByRole('button', { name: 'Keep' }).waitFor();
    await pictures(page, 'remote-diverged', { fullPage: true });
    await row.getByRole('button', { name: 'Keep' }).click();
    await project.confirm('Keep');
    await page.locator('[data-testid="remote-rendered"][data-state="in-sync"]').waitFor();
    await bothSame();
  });

  it('may be away: what failed is said, and what is made here waits', async () => {
    const away = `${elsewhere.repository}.away`;
    renameSync(elsewhere.repository, away);
    await api.ask('PATCH', '/api/projects/my-blog', {
      description: 'Made while it was away',
      version: (await api.project('my-blog')).version,
    });
    await operations();
    await page.getByRole('button', { name: 'Sync now' }).click();
    await page.getByText('There is no repository at this address', { exact: true }).waitFor();
    await page.getByTestId('remote-main').getByText('1 commit waits to be pushed.').waitFor();
    await pictures(page, 'remote-away', { fullPage: true });
    renameSync(away, elsewhere.repository);
    await page.getByRole('button', { name: 'Sync now' }).click();
    await bothSame();
    await page.locator('[data-testid="remote-main"][data-state="in-sync"]').waitFor();
    expect(git(elsewhere.repository, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('had nothing to complain about', () => {
    // Rendering reads its branch again after others moved it: what waits for operators is not known in that moment.
    const beginning = /503 .*\/api\/operations\)$/;
    expect(complaints.filter((complaint) => !beginning.test(complaint))).toEqual([]);
  });
});
