import type { BackupsDto } from '@fullstackagent/controller/contract';
import { Client } from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { complaintsOf, openBrowser, pictureOnFailure } from '../support/browser.js';
import { has, needs } from '../support/capabilities.js';
import { OWNER, owner } from '../support/fixtures.js';
import { git } from '../support/git.js';
import { Platform } from '../support/platform.js';
import { ProjectPage } from '../support/project-page.js';
import { until } from '../support/until.js';

const DATABASE = '/api/projects/shop/database';

describe('the backups of a database, clicked through', () => {
  const platform = new Platform('backups');
  let api: Api;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    if (!has('chromium')) return;
    await platform.start();
    api = await owner(platform.url);
    await api.create({ name: 'Shop', database: true });
    await api.waitFor('shop', 'RUNNING');
    await sql("CREATE TABLE note (text text); INSERT INTO note VALUES ('first')");
    browser = await openBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    complaints = complaintsOf(page);
    await page.goto(`${platform.url}/login`);
    await new ProjectPage(page).signIn(OWNER);
    await page.waitForURL(/projects/);
    await page.goto(`${platform.url}/projects/shop/database`);
  });

  afterAll(async () => {
    if (!has('chromium')) return;
    await browser.close();
    await platform.remove();
  });

  beforeEach((context) => {
    needs(context, 'chromium');
    pictureOnFailure(page, context.task.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  });

  async function sql(statement: string): Promise<unknown[]> {
    const { url } = await api.reveal('shop');
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  const backups = (): Promise<BackupsDto> => api.ask<BackupsDto>('GET', `${DATABASE}/backups`);
  const panel = () => page.getByRole('region', { name: 'Backups' });

  it('are made on request', async () => {
    await panel().getByText('There is none yet.').waitFor();
    await panel().getByRole('button', { name: 'Back up now' }).click();
    await panel().getByText('On request,').waitFor();
    await panel().getByRole('button', { name: 'Restore this one' }).waitFor();
    const [backup] = (await backups()).backups;
    expect(backup).toMatchObject({ kind: 'requested', state: 'completed' });
    expect(backup?.bytes).toBeGreaterThan(1_000_000);
  });

  it('are brought back once that was confirmed, and what was there is kept', async () => {
    await sql("INSERT INTO note VALUES ('second')");
    await panel().getByRole('button', { name: 'Restore this one' }).click();
    const question = page.getByRole('alertdialog');
    await question.getByText('What it is now is kept as a backup').waitFor();
    await question.getByRole('button', { name: 'Cancel' }).click();
    expect(await sql('SELECT count(*)::int AS n FROM note')).toEqual([{ n: 2 }]);

    await panel().getByRole('button', { name: 'Restore this one' }).click();
    await question.getByRole('button', { name: 'Restore' }).click();
    await panel().getByText('Before a restore,').waitFor();
    const restored = async (): Promise<boolean> =>
      JSON.stringify(await sql('SELECT text FROM note')) === JSON.stringify([{ text: 'first' }]);
    await until('the first note alone', restored);
    await api.waitFor('shop', 'RUNNING');
  });

  it('are made by themselves when a schedule says so', async () => {
    await panel().getByLabel('Made').selectOption('Every night at 3:00 UTC');
    await panel().getByLabel('Kept for days').fill('7');
    await panel().getByRole('button', { name: 'Save' }).click();
    await page.getByText('The schedule is recorded.').waitFor();
    expect((await backups()).schedule).toEqual({ cron: '0 3 * * *', keepDays: 7 });
  });

  it('are in the history, with who asked', () => {
    const log = git(
      platform.repository,
      'log',
      '-3',
      '--format=%an %(trailers:key=Action,valueonly)',
      'main',
    );
    expect(log.split('\n').filter((line) => line !== '')).toEqual([
      'ada database-schedule',
      'ada database-restore',
      'ada database-backup',
    ]);
  });

  it('are refused in a sentence', async () => {
    const gone = await api.refused('POST', `${DATABASE}/restore`, { backup: 'never-made' });
    expect([gone.status, gone.body.detail]).toEqual([404, 'There is no such backup any more.']);
    const odd = await api.refused('POST', `${DATABASE}/restore`, { backup: '../../keys' });
    expect([odd.status, odd.body.code]).toEqual([422, 'VALIDATION_FAILED']);
    const wrong = { schedule: { cron: '0 25 * * *', keepDays: 7 } };
    const never = await api.refused('PUT', `${DATABASE}/backups`, wrong);
    expect(never.body.detail).toContain('the hour is wrong');
    expect(complaints).toEqual([]);
  });
});
