import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { owner } from '../support/fixtures.js';
import { removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { git } from '../support/git.js';
import { journey } from '../support/journey.js';
import { Platform } from '../support/platform.js';
import type { ProjectPage } from '../support/project-page.js';
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
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  const platform = journey('agent', {
    env: { SANDBOX_ISOLATION: 'none', PATH: `${installAgent()}:${PATH}` },
    opened: async (opened) => {
      ({ page, project, complaints } = opened);
      await project.join(platform.url);
    },
  });

  const notice = () => page.getByTestId('agent-notice');
  const document = (): string => {
    const paths = git(platform.repository, 'ls-tree', '-r', '--name-only', 'main');
    const path = paths.split('\n').find((name) => name.endsWith('/projects/my-blog.yaml'));
    return git(platform.repository, 'show', `main:${path ?? ''}`);
  };

  it('makes a project with a key that is sealed before it is committed', async () => {
    await page.goto(`${platform.url}/projects/new`);
    await page.getByLabel('Name', { exact: true }).fill('My Blog');
    await page.getByRole('switch', { name: 'PostgreSQL database' }).click();
    await page.getByText('Claude Code waits for a key or a login').waitFor();
    await page.getByRole('button', { name: 'Add a key for Claude Code' }).click();
    // The name is filled in, and the value is what is missing.
    await page.getByLabel('Value', { exact: true }).and(page.locator(':focus')).waitFor();
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
    // It arrives by a commit, a moment later.
    await project.typeCommand(
      'clear; until grep -qx none $FULLSTACKAGENT_ENV_DIR/FULLSTACKAGENT_AGENT; do sleep 0.1; done; echo arrived-$((1 + 1))',
    );
    await project.waitForText(/arrived-2/);
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
  let page: Page;
  const platform = journey('agent-install', {
    env: { HOME: withoutRegistry() },
    opened: async (opened) => {
      ({ page } = opened);
      await opened.project.join(platform.url);
    },
  });

  it('says that the registry cannot be reached, what npm said, and that it can be tried again', async () => {
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
