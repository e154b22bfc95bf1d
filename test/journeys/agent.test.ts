import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { complaintsOf, openBrowser, pictureOnFailure } from '../support/browser.js';
import { has, needs } from '../support/capabilities.js';
import { OWNER, owner } from '../support/fixtures.js';
import { removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { git } from '../support/git.js';
import { Platform } from '../support/platform.js';
import { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { Terminal } from '../support/terminal.js';

const machine = temporaryFolder('agent-machine');
const PATH = process.env['PATH'] ?? '';

/** An agent that somebody has installed on this machine. It asks the model nothing: it says what it was given. */
function installAgent(): string {
  const bin = join(machine, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'claude'), '#!/bin/sh\necho "agent with ${ANTHROPIC_API_KEY}"\n');
  chmodSync(join(bin, 'claude'), 0o755);
  return bin;
}

/** Nobody listens there. What npm says then is what it says without a network. */
function withoutRegistry(): string {
  const home = join(machine, 'home');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.npmrc'), 'registry=http://127.0.0.1:9/\nfetch-retries=0\n');
  return home;
}

afterAll(() => removeFolder(machine));

describe('Claude Code where sandboxes are not isolated, clicked through', () => {
  const platform = new Platform('agent', {
    SANDBOX_ISOLATION: 'none',
    PATH: `${installAgent()}:${PATH}`,
  });
  let browser: Browser;
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  let brokenBy: string | undefined;

  const notice = () => page.getByTestId('agent-notice');
  const document = (): string => {
    const paths = git(platform.repository, 'ls-tree', '-r', '--name-only', 'main');
    const path = paths.split('\n').find((name) => name.endsWith('/projects/my-blog.yaml'));
    return git(platform.repository, 'show', `main:${path ?? ''}`);
  };

  beforeAll(async () => {
    if (!has('chromium')) return;
    await platform.start();
    browser = await openBrowser();
    const context = await browser.newContext({ colorScheme: 'light' });
    context.setDefaultTimeout(20_000);
    page = await context.newPage();
    project = new ProjectPage(page);
    complaints = complaintsOf(page);
    await page.goto(platform.url);
    await project.beginSignUp();
    await project.signUp(OWNER);
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
  });

  afterAll(async () => {
    if (!has('chromium')) return;
    await browser.close();
    await platform.remove();
  });

  beforeEach((ctx) => {
    needs(ctx, 'chromium');
    ctx.skip(brokenBy !== undefined, `the journey ended at "${String(brokenBy)}"`);
    pictureOnFailure(page, ctx.task.name.replaceAll(/[^a-z0-9]+/gi, '-'));
    onTestFailed(() => {
      brokenBy ??= ctx.task.name;
    });
  });

  it('makes a project with a key that is sealed before it is committed', async () => {
    await page.goto(`${platform.url}/projects/new`);
    await page.getByLabel('Name', { exact: true }).fill('My Blog');
    await page.getByRole('switch', { name: 'PostgreSQL database' }).click();
    await expect.poll(() => page.getByText('Claude Code waits for a key or a login').count()).toBe(1);
    await page.getByRole('button', { name: 'Add a key for Claude Code' }).click();
    await page.keyboard.type('key-of-my-blog');
    expect(await page.getByLabel('Variable name').inputValue()).toBe('ANTHROPIC_API_KEY');
    expect(await page.getByRole('button', { name: 'Add a key for Claude Code' }).count()).toBe(0);
    await pictures(page, 'new-project-agent', { fullPage: true });
    await page.getByRole('button', { name: 'Create project' }).click();
    await project.waitFor('RUNNING');
    expect(document()).toMatch(/name: ANTHROPIC_API_KEY\n\s+sealed: Ag/);
    expect(document()).not.toContain('key-of-my-blog');
  });

  it('starts no agent before somebody has said that it may, and says so in both places', async () => {
    await project.openTerminal();
    await project.waitForText(/allow it in the portal, or type claude/);
    await notice().getByText('sandboxes are not isolated on this machine').waitFor();
    expect(await project.text()).not.toContain('agent with');
    await pictures(page, 'terminal-agent-unconfirmed');
  });

  it('asks whoever types it, and takes no for an answer', async () => {
    await project.typeCommand('claude');
    await project.waitForText(/Run it this once\? \[y\/N\]/);
    await project.typeCommand('');
    await project.typeCommand('echo still-$((40 + 2))');
    await project.waitForText(/still-42/);
    expect(await project.text()).not.toContain('agent with');
  });

  it('starts it in the next shell once the owner has said so', async () => {
    await notice().getByRole('button', { name: 'Run without isolation…' }).click();
    await page.getByRole('alertdialog').getByText('A sandbox is a plain process').waitFor();
    await pictures(page, 'agent-consent');
    await project.confirm('Run without isolation');
    await page.getByRole('button', { name: 'New shell' }).click();
    await project.waitForText(/agent with key-of-my-blog/);
    await project.waitForText(/turn it off in the project's settings/);
    expect(await notice().count()).toBe(0);
  });

  it('is turned off for one project by a commit that restarts nothing', async () => {
    await project.openTab('Settings');
    await page.getByRole('switch', { name: 'Start Claude Code' }).click();
    await pictures(page, 'settings-agent', { fullPage: true });
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Saved.', { exact: true }).first().waitFor();
    expect(document()).toMatch(/\n {2}terminal:\n {4}sealedToken: \S+\n {4}agent: none\n/);
    await project.openTerminal();
    // The same shells, with what they said before.
    await project.waitForText(/agent with key-of-my-blog/);
    await page.reload();
    await project.waitForText(/agent with key-of-my-blog/);
    await project.typeCommand('cat $FULLSTACKAGENT_ENV_DIR/FULLSTACKAGENT_AGENT; echo');
    await project.waitForText(/none/);
  });

  it('is taken back on the page Operations, which says who allowed it', async () => {
    await page.goto(`${platform.url}/operations`);
    const section = page.getByRole('region', { name: 'Claude Code' });
    await section.getByText('Allowed without isolation by ada').waitFor();
    await section.getByText(join(machine, 'bin', 'claude')).waitFor();
    await pictures(page, 'operations-agent', { fullPage: true });
    await section.getByRole('button', { name: 'Take back' }).click();
    await section.getByText('Not allowed without isolation').waitFor();
    await project.open(platform.url, 'my-blog');
    await project.openTerminal();
    await project.typeCommand('claude');
    await project.waitForText(/Run it this once\? \[y\/N\]/);
    expect(complaints).toEqual([]);
  });
});

describe('Claude Code on request, without a network', () => {
  const platform = new Platform('agent-install', { HOME: withoutRegistry() });
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    if (!has('chromium')) return;
    await platform.start();
    browser = await openBrowser();
    const context = await browser.newContext({ colorScheme: 'light' });
    context.setDefaultTimeout(30_000);
    page = await context.newPage();
    const project = new ProjectPage(page);
    await page.goto(platform.url);
    await project.beginSignUp();
    await project.signUp(OWNER);
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
  });

  afterAll(async () => {
    if (!has('chromium')) return;
    await browser.close();
    await platform.remove();
  });

  it('says that the registry cannot be reached, what npm said, and that it can be tried again', async (ctx) => {
    needs(ctx, 'chromium');
    pictureOnFailure(page, 'agent-install');
    await page.goto(`${platform.url}/operations`);
    const section = page.getByRole('region', { name: 'Claude Code' });
    await section.getByRole('button', { name: 'Install Claude Code' }).click();
    await section.getByText('The npm registry cannot be reached.').waitFor();
    await section.getByText('What npm said last').click();
    await section.getByText('ECONNREFUSED').first().waitFor();
    await pictures(page, 'operations-agent-failed', { fullPage: true });
    await section.getByRole('button', { name: 'Try again' }).waitFor();
    await section.getByText('Not installed', { exact: true }).waitFor();
  });
});

describe('the real Claude Code', () => {
  const platform = new Platform('agent-real');
  const asked = process.env['REAL_CLAUDE'] === '1';

  beforeAll(async () => {
    if (asked) await platform.start();
  });
  afterAll(() => platform.remove());

  const tools = async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, FULLSTACK_AGENT_HOME: platform.home };
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/tools.mjs', ...args], {
      ...{ cwd: ROOT, env },
    });
    return stdout;
  };

  it('is installed by a command, and a sandbox that runs has it at once', async (ctx) => {
    ctx.skip(!asked, 'it downloads 115 MB: REAL_CLAUDE=1 asks for it');
    const api = await owner(platform.url);
    await api.create({ name: 'Real' });
    await api.waitFor('real', 'RUNNING');
    const terminal = await Terminal.open(api, 'real', 'main');
    expect(await tools()).toContain('Claude Code is not in ');
    expect(await tools('install')).toMatch(/Claude Code \d\S+ is installed/);
    expect(await terminal.run('claude --version', 60_000)).toMatch(/^\d+\.\d+\.\d+ \(Claude Code\)$/m);
    await tools('remove');
    expect(await terminal.run('hash -r; type -P claude || echo gone')).toContain('gone');
    terminal.close();
  }, 300_000);
});
