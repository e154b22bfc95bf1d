import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { openBrowser } from '../support/browser.js';
import { has, needs } from '../support/capabilities.js';
import { OWNER, owner } from '../support/fixtures.js';
import { removeFolder, temporaryFolder } from '../support/folders.js';
import { Platform } from '../support/platform.js';
import { ProjectPage } from '../support/project-page.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';

const SERVER = `require('http').createServer((request, response) =>
  response.end('<h1>for members</h1><p>' + request.headers.cookie + '</p>')).listen(process.env.PORT)`;

interface PlatformDocument {
  readonly spec: { readonly exposure: Record<string, unknown> };
}

/** Not every system knows names below `localhost`, which browsers do. */
function plainly(address: string): Promise<IncomingMessage> {
  const { host, port, pathname, search } = new URL(address);
  const options = { host: '127.0.0.1', port, path: `${pathname}${search}`, headers: { host } };
  return new Promise((resolve, reject) => {
    const asked = get(options, (answer) => {
      answer.resume();
      resolve(answer);
    });
    asked.once('error', reject);
  });
}

/** Asks for permission as an operator of a cluster does: by a change of platform.yaml, pushed for `main`. */
function pushForwardAuth(portal: string, token: string): void {
  const folder = temporaryFolder('members-clone');
  const url = new URL('/gitops.git', portal);
  url.username = OWNER.username;
  url.password = token;
  const git = (...args: readonly string[]): unknown =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=ada', '-c', 'user.email=ada@example.com', ...args], {
      stdio: 'pipe',
    });
  git('clone', '--quiet', url.href, '.');
  const file = join(folder, 'platform.yaml');
  const document = load(readFileSync(file, 'utf8')) as PlatformDocument;
  document.spec.exposure['forwardAuth'] = {
    url: `${portal}/forward-auth`,
    signIn: `${portal}/forward-auth/sign-in`,
  };
  writeFileSync(file, dump(document, { lineWidth: -1 }));
  git('commit', '--quiet', '--all', '--message', 'Ask before apps are shown');
  git('push', '--quiet', 'origin', 'HEAD:refs/for/main');
  removeFolder(folder);
}

describe('an app that is for members', () => {
  const platform = new Platform('members-only');
  let browser: Browser;
  let visitor: BrowserContext;
  let api: Api;
  let address: string;

  beforeAll(async () => {
    if (!has('chromium')) return;
    await platform.start();
    browser = await openBrowser();
    visitor = await browser.newContext();
    api = await owner(platform.url);
    const { token } = await api.ask<{ token: string }>('POST', '/api/tokens', { name: 'git' });
    pushForwardAuth(platform.url, token);
    const { project } = await api.create({ name: 'Inside' });
    address = (await api.waitFor(project.id, 'RUNNING')).urls.app;
    const shell = await Terminal.open(api, project.id, 'main');
    await shell.run(`echo ${Buffer.from(SERVER).toString('base64')} | base64 -d > server.js`);
    shell.type(' node server.js\r');
  });

  afterAll(async () => {
    if (!has('chromium')) return;
    await browser.close();
    await platform.remove();
  });

  beforeEach((ctx) => {
    needs(ctx, 'chromium');
  });

  it('sends a program without a pass to sign in', async () => {
    const asked = await until('the ingress to ask', async () => {
      const answer = await plainly(`${address}/page?a=1`);
      return answer.statusCode === 302 ? answer : undefined;
    });
    const location = new URL(asked.headers.location ?? '');
    expect(location.origin + location.pathname).toBe(`${platform.url}/forward-auth/sign-in`);
    expect(location.searchParams.get('rd')).toBe(`${address}/page?a=1`);
  });

  it('opens to a member who signs in on the way, without giving the app the session', async () => {
    const page = await visitor.newPage();
    await page.goto(`${address}/page?a=1`);
    expect(new URL(page.url()).pathname).toBe('/login');
    await new ProjectPage(page).signIn(OWNER);
    await page.getByRole('heading', { name: 'for members' }).waitFor();
    expect(new URL(page.url()).searchParams.get('a')).toBe('1');
    await page.goto(`${address}/other`);
    const cookies = (await page.textContent('p')) ?? '';
    expect(cookies).toContain('fsa_app=');
    expect(cookies).not.toContain('fsa_session');
  });

  it('stays closed to somebody with an account who is no member', async (context) => {
    const { isolation } = await api.ask<{ isolation: string }>('GET', '/api/platform');
    context.skip(isolation === 'none', 'there is one account where nothing keeps sandboxes apart');
    const stranger = await browser.newContext();
    const page = await stranger.newPage();
    await page.goto(`${platform.url}/signup`);
    await new ProjectPage(page).signUp({ username: 'grace', password: 'another horse battery' });
    await page.waitForURL(/\/projects/);
    const answer = await page.goto(address);
    expect(answer?.status()).toBeGreaterThanOrEqual(403);
    expect(new URL(page.url()).origin).toBe(platform.url);
    await stranger.close();
  });

  it('closes when the session at the portal ends', async () => {
    const page = await visitor.newPage();
    await page.goto(platform.url);
    await new ProjectPage(page).signOut();
    await until('the app to ask for a sign-in again', async () => {
      await page.goto(address);
      return new URL(page.url()).pathname === '/login';
    });
  });
});
