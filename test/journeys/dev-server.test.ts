import type { DiskDto } from '@fullstackagent/controller/contract';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { openBrowser, pictureOnFailure } from '../support/browser.js';
import { has, needs } from '../support/capabilities.js';
import { owner } from '../support/fixtures.js';
import { installIntoWorkspace } from '../support/modules.js';
import { Platform } from '../support/platform.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';

const PAGE = `<!doctype html><h1>loading</h1><script type="module" src="/main.js"></script>`;
const MAIN = `import { text } from './text.js';
const show = (text) => (document.querySelector('h1').textContent = text);
show(text);
import.meta.hot.accept('./text.js', (changed) => show(changed.text));`;
const textModule = (text: string): string => `export const text = '${text}';`;

/** Vite as people get it: no host, no origin and no address of the platform in any configuration. */
describe('a development server in a sandbox', () => {
  const platform = new Platform('dev-server');
  let browser: Browser;
  let page: Page;
  let api: Api;
  let shell: Terminal;
  let address: string;

  beforeAll(async () => {
    if (!has('chromium')) return;
    await platform.start();
    browser = await openBrowser();
    page = await browser.newPage();
    api = await owner(platform.url);
    const { project } = await api.create({ name: 'Front' });
    const running = await api.waitFor(project.id, 'RUNNING');
    address = running.urls.app;
    installIntoWorkspace(platform.home, project.id, 'vite');
    shell = await Terminal.open(api, project.id, 'main');
    await write('index.html', PAGE);
    await write('main.js', MAIN);
    await write('text.js', textModule('first'));
  });

  afterAll(async () => {
    if (!has('chromium')) return;
    shell.close();
    await browser.close();
    await platform.remove();
  });

  beforeEach((ctx) => {
    needs(ctx, 'chromium');
    pictureOnFailure(page, ctx.task.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  });

  const write = (file: string, content: string): Promise<string> =>
    shell.run(`echo ${Buffer.from(content).toString('base64')} | base64 -d > ${file}`);

  it('takes room on the disk, which the API tells', async () => {
    const { workspace, freeBytes = 0 } = await until('the workspace to be measured', async () => {
      const disk = await api.ask<DiskDto>('GET', '/api/projects/front/disk');
      return disk.workspace?.bytes === undefined ? undefined : disk;
    });
    expect(workspace?.bytes).toBeGreaterThan(10_000_000);
    expect(freeBytes).toBeGreaterThan(0);
  });

  it('is waited for by the page that says what to start', async () => {
    await page.goto(address);
    await page.getByRole('heading', { name: 'Nothing is listening on $PORT yet' }).waitFor();
    shell.type(' node node_modules/vite/bin/vite.js --port $PORT --strictPort\r');
    await page.getByRole('heading', { name: 'first' }).waitFor();
  });

  it('changes what an open page shows, without loading it again', async () => {
    await page.evaluate(() => document.body.setAttribute('data-seen', 'yes'));
    shell.close();
    shell = await Terminal.open(api, 'front', 'second');
    await write('text.js', textModule('second'));
    await page.getByRole('heading', { name: 'second' }).waitFor();
    expect(await page.getAttribute('body', 'data-seen')).toBe('yes');
  });
});
