import { existsSync } from 'node:fs';
import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { recordStatuses } from '../support/browser.js';
import { OWNER } from '../support/fixtures.js';
import { journey } from '../support/journey.js';
import { installIntoWorkspace } from '../support/modules.js';
import { allProcesses } from '../support/processes.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';

const QUERY = `const { Client } = require('pg');
(async () => {
  const client = new Client(process.env.DATABASE_URL);
  await client.connect();
  await client.query('create table if not exists visits (at timestamptz default now())');
  await client.query('insert into visits default values');
  const { rows } = await client.query('select version(), count(*)::int as n from visits');
  console.log('Visit', rows[0].n, 'on', rows[0].version.slice(0, 13));
  await client.end();
})();`;

/** A web server that answers with a number from the database: what a first app does. */
const SERVER = `const { Pool } = require('pg');
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
require('http').createServer(async (request, response) => {
  const { rows } = await pool.query('select count(*)::int as n from visits');
  response.end('visits: ' + rows[0].n + ', greeting: ' + (process.env.GREETING ?? 'none'));
}).listen(process.env.PORT, () => console.log('listening'));`;

describe('a first project, clicked through', () => {
  let context: BrowserContext;
  let page: Page;
  let project: ProjectPage;
  let statuses: string[];
  let complaints: string[];
  const platform = journey('first-project', {
    prepare: async (made) => {
      statuses = await recordStatuses(made);
    },
    opened: (opened) => {
      ({ context, page, project, complaints } = opened);
    },
  });

  it('signs up and sees an empty list of projects', async () => {
    await page.goto(platform.url);
    await pictures(page, 'welcome');
    await project.beginSignUp();
    await pictures(page, 'sign-up');
    await project.signUp(OWNER);
    await page.getByRole('heading', { name: 'Projects' }).waitFor();
    await pictures(page, 'projects-empty');
  });

  it('creates "My Blog" with a database', async () => {
    await page.getByRole('link', { name: 'New project' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('My Blog');
    await page.getByRole('switch', { name: 'PostgreSQL database' }).setChecked(true);
    await pictures(page, 'new-project');
    await page.getByRole('button', { name: 'Create project' }).click();
    await project.badge.waitFor();
    expect(new URL(page.url()).pathname).toContain('my-blog');
    await pictures(page, 'project-creating');
  });

  it('reaches RUNNING without a reload', async () => {
    await page.evaluate(() => Object.assign(globalThis, { samePage: true }));
    await project.waitFor('RUNNING', 90_000);
    expect(await page.evaluate(() => 'samePage' in globalThis)).toBe(true);
    console.log(`statuses seen: ${statuses.join(' → ')}`);
    expect(statuses.at(-1)).toBe('RUNNING');
    expect(statuses).not.toContain('ERROR');
    expect(statuses).not.toContain('PARTIAL');
    await page
      .getByTestId('disk-use')
      .getByText(/^Database \d/)
      .waitFor();
    await pictures(page, 'project-overview');
  });

  it('runs a script in the terminal that asks the database', async () => {
    await project.openTerminal();
    installIntoWorkspace(platform.home, 'my-blog', 'pg');
    await project.typeCommand(`cat > query.js <<'EOF'\n${QUERY}\nEOF`);
    await project.typeCommand('clear; cat query.js; node query.js');
    await project.waitForText(/Visit 1 on PostgreSQL 1/);
    await pictures(page, 'project-terminal');
  });

  it('serves an app on $PORT at the address of the project', async () => {
    await project.typeCommand(`cat > server.js <<'EOF'\n${SERVER}\nEOF`);
    await project.typeCommand('node server.js');
    await project.waitForText(/^listening\s*$/m);
    await project.openTab('Overview');
    const address = await page.getByTestId('app-url').first().getAttribute('href');
    const app = await context.newPage();
    await app.goto(address ?? '');
    expect(await app.textContent('body')).toBe('visits: 1, greeting: none');
    await app.close();
  });

  it('adds a variable: a new shell has it, the running server goes on', async () => {
    await project.openTab('Environment');
    await project.addVariable('GREETING', `it's "quoted" $(not run)`);
    await pictures(page, 'project-environment');
    await project.openTerminal();
    await project.newShell();
    const hasIt = async (): Promise<boolean> => {
      await project.typeCommand('clear; echo "[$GREETING]"; exec bash');
      return (await project.textSoon(/\[it's "quoted" \$\(not run\)\]/)) !== undefined;
    };
    await until('a new shell to have the variable', hasIt, { deadline: 60_000, every: 500 });
    await project.openTab('Overview');
    const address = (await page.getByTestId('app-url').first().getAttribute('href')) ?? '';
    const app = await context.newPage();
    await app.goto(address);
    // The server was started before the variable: it still runs, so it still does not have it.
    expect(await app.textContent('body')).toBe('visits: 1, greeting: none');
    await app.close();
  });

  it('shows the commits in the history', async () => {
    await project.openTab('History');
    await page
      .getByText(/create my-blog/i)
      .first()
      .waitFor();
    await page
      .getByText(/GREETING|environment|variables/i)
      .first()
      .waitFor();
    await pictures(page, 'project-history');
  });

  it('reveals the database password on request only', async () => {
    await project.openTab('Database');
    expect(await page.content()).not.toMatch(/postgresql:\/\/postgres:[^*•]/);
    await pictures(page, 'project-database');
    await page.getByRole('button', { name: 'Reveal' }).click();
    await page
      .getByText(/postgresql:\/\/postgres:/)
      .first()
      .waitFor();
  });

  it('stops, and a second tab of the browser sees it live', async () => {
    const second = await context.newPage();
    await second.goto(`${platform.url}/projects`);
    const shown = second.locator('[data-status]').first();
    await shown.and(second.locator('[data-status="RUNNING"]')).waitFor();
    await pictures(second, 'projects');
    await project.openTab('Overview');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await project.confirm('Stop');
    await project.waitFor('STOPPED');
    await until(
      'the second tab to show STOPPED',
      async () => (await shown.getAttribute('data-status')) === 'STOPPED',
    );
    await pictures(page, 'project-stopped');
    await second.close();
  });

  it('starts again with the data still there', async () => {
    await page.getByRole('button', { name: 'Start', exact: true }).click();
    await project.waitFor('RUNNING');
    await project.openTerminal();
    await project.typeCommand('clear; node query.js');
    await project.waitForText(/Visit 2 on PostgreSQL 1/);
  });

  it('restarts: what ran in it is gone, and it runs again', async () => {
    // Looked for among the processes: a restart can be faster than the page's next look at the status.
    const runs = (): boolean => allProcesses().some(({ command }) => command === 'sleep 61234');
    await project.typeCommand('sleep 61234 &');
    await until('the program to run', runs);
    await project.openTab('Overview');
    await page.getByRole('button', { name: 'Restart' }).click();
    await project.confirm('Restart');
    await until('the program to be gone', () => !runs());
    await project.waitFor('RUNNING');
  });

  it('deletes by typing the name', async () => {
    await project.openTab('Settings');
    await pictures(page, 'project-settings');
    await page.getByRole('button', { name: 'Delete project' }).click();
    await page.getByLabel('Type the project name').fill('my-blog');
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('Deleted. It can be restored.').waitFor();
    await project.open(platform.url, 'my-blog');
    await project.waitFor('TERMINATED');
    await pictures(page, 'project-deleted');
  });

  it('restores with the data still there', async () => {
    await page.getByRole('button', { name: 'Restore' }).first().click();
    await project.waitFor('RUNNING', 90_000);
    await project.openTerminal();
    await project.typeCommand('clear; node query.js');
    await project.waitForText(/Visit 3 on PostgreSQL 1/);
  });

  it('signs out and in again', async () => {
    await page.goto(`${platform.url}/settings`);
    await page.getByRole('heading').first().waitFor();
    await pictures(page, 'account');
    await project.signOut();
    await pictures(page, 'sign-in');
    await project.signIn(OWNER);
    await page.getByText('My Blog').first().waitFor();
  });

  it('complained about nothing in the browser', () => {
    expect(complaints).toEqual([]);
    expect(existsSync(platform.repository)).toBe(true);
  });
});
