import { execFileSync } from 'node:child_process';
import type { ReleaseStateDto } from '@fullstackagent/controller/contract';
import type { Browser, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ownerAgain } from '../support/fixtures.js';
import { journey } from '../support/journey.js';
import { installIntoWorkspace } from '../support/modules.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';

const SECRET = 'sk-live-released-and-never-in-git';

/** Says its version, a variable, whether it has the sandbox's, and that the database answers. */
const SERVER = `const { Client } = require('pg');
require('http').createServer(async (request, response) => {
  const client = new Client(process.env.DATABASE_URL);
  await client.connect();
  const { rows } = await client.query('select 40 + 2 as n');
  await client.end();
  const { KEY = 'none', ONLY_SANDBOX = 'none' } = process.env;
  response.end(['VERSION', rows[0].n, KEY.length, ONLY_SANDBOX].join(' '));
}).listen(process.env.PORT);`;

const PACKAGE = JSON.stringify({ name: 'shop', scripts: { start: 'node server.js' } });
const answerOf = (version: string): string => `${version} 42 ${SECRET.length} none`;

describe('an app is released, clicked through', () => {
  let browser: Browser;
  let page: Page;
  let project: ProjectPage;
  let complaints: string[];
  let address = '';
  /** What the plan said that it would be. */
  let planned = '';
  const platform = journey('release', {
    opened: (opened) => {
      ({ browser, page, project, complaints } = opened);
    },
  });

  /** As somebody else's browser sees it. */
  async function shown(): Promise<string> {
    const visitor = await browser.newContext();
    try {
      const other = await visitor.newPage();
      await other.goto(address);
      return (await other.textContent('body')) ?? '';
    } finally {
      await visitor.close();
    }
  }

  const waitForAnswer = (expected: string): Promise<unknown> =>
    until(`the release to answer "${expected}"`, async () => {
      const text = await shown();
      if (text === expected) return true;
      throw new Error(text.trim().slice(0, 200));
    });

  async function write(version: string): Promise<void> {
    await project.openTerminal();
    await project.typeCommand(`cat > server.js <<'EOF'\n${SERVER.replace('VERSION', version)}\nEOF`);
    await project.typeCommand(`clear; echo written-${version}`);
    await project.waitForText(new RegExp(`^written-${version}\\s*$`, 'm'));
  }

  const releasedNow = (): Promise<void> =>
    page.getByRole('region', { name: 'Release', exact: true }).getByText('Running').waitFor();

  it('has a project with a database, a variable of its own, and an app', async () => {
    await project.join(platform.url);
    const api = await ownerAgain(platform.url);
    await api.create({ name: 'Shop', database: true, env: [{ name: 'ONLY_SANDBOX', value: 'yes' }] });
    await project.open(platform.url, 'shop');
    await project.waitFor('RUNNING', 90_000);
    installIntoWorkspace(platform.home, 'shop', 'pg');
    await project.openTerminal();
    await project.typeCommand(`echo '${PACKAGE}' > package.json`);
    await write('one');
  });

  it('says what a release is, and finds out how the app is started', async () => {
    await project.openTab('Release');
    await page.getByText('This app is not released').waitFor();
    await pictures(page, 'release-none');
    await page.getByRole('button', { name: 'Release this app' }).click();
    await until('the command to be found', async () => {
      return (await page.getByLabel('Start command').inputValue()) === 'npm start';
    });
    await page.getByText('Taken from package.json').waitFor();
  });

  it('shows the plan before anything is recorded', async () => {
    await page.getByRole('switch', { name: "Use the project's database" }).click();
    await page.getByRole('button', { name: 'Add variable' }).click();
    await page.getByLabel('Variable name').last().fill('KEY');
    await page.getByLabel('Value', { exact: true }).last().fill(SECRET);
    await page
      .getByRole('switch', { name: /secret/i })
      .last()
      .setChecked(true);
    // This platform has nobody to ask who is signed in.
    await page.getByText('Everybody who knows the address can open it').waitFor();
    await pictures(page, 'release-form');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    const plan = page.getByTestId('release-plan');
    await plan.getByText('deployment-shop--release.yaml').waitFor();
    await plan.getByText('The sandbox goes on undisturbed.').waitFor();
    planned = (await plan.getByText(/^[a-z0-9]{12}\.localhost$/).textContent()) ?? '';
    await pictures(page, 'release-plan');
    const api = await ownerAgain(platform.url);
    expect((await api.history('shop')).commits.map(({ action }) => action)).not.toContain('release');
  });

  it('is released, and answers at an address of its own', async () => {
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await releasedNow();
    address = (await page.getByTestId('release-url').getAttribute('href')) ?? '';
    expect(new URL(address).hostname).toBe(planned);
    await waitForAnswer(answerOf('one'));
    await page.getByRole('button', { name: 'Copy the address of the release' }).waitFor();
    await project.waitFor('RUNNING');
    await pictures(page, 'release');
  });

  it('is what it was, whatever becomes of the workspace', async () => {
    await write('two');
    expect(await shown()).toBe(answerOf('one'));
  });

  it('is released again, at the same address', async () => {
    await project.openTab('Release');
    await page.getByRole('button', { name: 'Release again' }).click();
    await until('the command to be found', async () => {
      return (await page.getByLabel('Start command').inputValue()) === 'npm start';
    });
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await waitForAnswer(answerOf('two'));
    await releasedNow();
    expect(await page.getByTestId('release-url').getAttribute('href')).toBe(address);
  });

  it('gets another size without another copy of the workspace', async () => {
    await write('three');
    await project.openTab('Release');
    await page.getByRole('button', { name: 'Release again' }).click();
    await page.getByRole('radio', { name: /^What is released now/ }).check();
    await page.getByRole('radio', { name: /^Small/ }).check();
    await pictures(page, 'release-again');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await page.getByText('Change the release of shop').waitFor();
    await waitForAnswer(answerOf('two'));
    await releasedNow();
  });

  it('is rolled back, and the first version answers', async () => {
    await page.getByRole('button', { name: 'Roll back to this' }).last().click();
    await page.getByText('1 manifest changes; the sandbox goes on undisturbed.').waitFor();
    await page.getByText('The address and who may see it stay').waitFor();
    await pictures(page, 'release-roll-back');
    await project.confirm('Roll back');
    await waitForAnswer(answerOf('one'));
    await page.getByText('Roll back the release of shop').waitFor();
    await releasedNow();
  });

  it('goes on answering where the next release does not come up, and says why', async () => {
    await page.getByRole('button', { name: 'Release again' }).click();
    const command = page.getByLabel('Start command');
    await until('the command to be found', async () => (await command.inputValue()) === 'npm start');
    await command.fill('echo no such port >&2; exit 3');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await page.getByText(/ended with exit code 3/).waitFor({ timeout: 60_000 });
    await page.getByText(/no such port/).waitFor();
    await pictures(page, 'release-failed');
    expect(await shown()).toBe(answerOf('one'));
    const api = await ownerAgain(platform.url);
    await api.ask('POST', '/api/projects/shop/release/rollback', {});
    await releasedNow();
    await waitForAnswer(answerOf('one'));
  });

  it('stops and starts with the project', async () => {
    const api = await ownerAgain(platform.url);
    await api.act('shop', 'stop');
    await api.waitFor('shop', 'STOPPED');
    await until('the release to be stopped', async () => (await shown()).includes('not running'));
    await api.act('shop', 'start');
    await api.waitFor('shop', 'RUNNING');
    await waitForAnswer(answerOf('one'));
  });

  it('is what it was after the platform was started again', async () => {
    await platform.stop();
    await platform.start();
    await waitForAnswer(answerOf('one'));
  });

  it('kept its secret out of git', () => {
    const log = execFileSync('git', ['log', '-p', '--all'], { cwd: platform.repository, encoding: 'utf8' });
    expect(log).toContain('deployment-shop--release.yaml');
    expect(log).not.toContain(SECRET);
  });

  it('is taken down after a question, and can be brought back from the history', async () => {
    await page.goto(`${platform.url}/projects/shop/release`);
    await page.getByRole('button', { name: 'Take down' }).click();
    await project.confirm('Take down');
    await page.getByText('This app is not released').waitFor();
    await until('the address to be nobody’s', async () => !(await shown()).startsWith('one'));
    await page.getByRole('button', { name: 'Roll back to this' }).first().click();
    await project.confirm('Roll back');
    await waitForAnswer(answerOf('one'));
    const api = await ownerAgain(platform.url);
    const { release } = await api.ask<ReleaseStateDto>('GET', '/api/projects/shop/release');
    expect(release?.url).toBe(address);
  });

  it('left the page nothing to complain about', () => {
    // While the platform was down, the page could not reach it.
    expect(complaints.filter((line) => !/ERR_CONNECTION|ERR_INCOMPLETE|50[23]/.test(line))).toEqual([]);
  });
});
