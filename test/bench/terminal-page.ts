import type { Page } from 'playwright-core';
import type { Figure } from './figures.js';
import { timed } from './figures.js';
import type { Api } from '../support/api.js';
import { openBrowser } from '../support/browser.js';
import { has } from '../support/capabilities.js';
import { watchFrames } from '../support/frames.js';
import { ProjectPage } from '../support/project-page.js';

const FLOOD_MB = 100;
const DEADLINE_MS = 300_000;

/**
 * A flood as a person sees it: how fast the page draws it, whether it goes on answering, and when Ctrl-C takes effect.
 * Chromium draws without a graphics card here. Without Chromium there are no figures.
 */
export async function pageFigures(api: Api, project: string): Promise<readonly Figure[]> {
  if (!has('chromium')) return [];
  const browser = await openBrowser();
  try {
    const context = await browser.newContext();
    const [name = '', value = ''] = api.cookie.split('=');
    await context.addCookies([{ name, value, url: api.base }]);
    const page = await context.newPage();
    await page.goto(`${api.base}/projects/${project}/terminal`);
    await page.locator('[data-testid="terminal"][data-state="connected"]').waitFor();
    return await floodFigures(page);
  } finally {
    await browser.close();
  }
}

async function floodFigures(page: Page): Promise<readonly Figure[]> {
  const terminal = new ProjectPage(page);
  const frames = await watchFrames(page);
  // Three bytes become four.
  const bytes = (FLOOD_MB * 1_000_000 * 3) / 4;
  await terminal.typeCommand(`clear; head -c ${String(bytes)} /dev/urandom | base64; echo drawn-$((1 + 1))`);
  const { took } = await timed(() => terminal.waitForText(/drawn-2/, DEADLINE_MS));
  const { p99, longest } = await frames();
  await terminal.typeCommand('clear; yes');
  await terminal.waitForText(/^y$/m);
  const interrupted = await timed(async () => {
    await page.keyboard.press('Control+c');
    await terminal.waitForText(/\^C/);
  });
  return [
    { what: 'output that the page draws', value: FLOOD_MB / (took / 1000), unit: 'MB/s' },
    { what: 'from one frame to the next meanwhile, p99', value: p99, unit: 'ms' },
    { what: 'from one frame to the next meanwhile, the longest', value: longest, unit: 'ms' },
    { what: 'from Ctrl-C to its echo in `yes`', value: interrupted.took, unit: 'ms' },
  ];
}
