import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { onTestFailed } from 'vitest';
import { pathOf } from './capabilities.js';
import { resultsFolder } from './folders.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  // Without WebGL the terminal draws its text as text, which a test can read.
  '--disable-3d-apis',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The system's Chromium, headless. Playwright gives it a new profile folder and removes that at the end. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: pathOf('chromium'), headless: true, args: FLAGS });

export const DESKTOP = { width: 1280, height: 800 } as const;
export const PHONE = { width: 375, height: 812 } as const;

/** First line of a test with a page: leaves a picture of it when the test fails. */
export function pictureOnFailure(page: Page, name: string): void {
  onTestFailed(async () => {
    const path = join(resultsFolder('failures'), `${name}.png`);
    await page.screenshot({ path, fullPage: true }).catch(() => undefined);
    console.log(`what the page showed: ${path} (${page.url()})`);
  });
}

/** What a page complained about; a page that works complains about nothing. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  return complaints;
}

/** Every value of `data-status` on the project's badge, in the order shown, whatever the page does in between. */
export async function recordStatuses(context: BrowserContext): Promise<string[]> {
  const statuses: string[] = [];
  await context.exposeFunction('__status', (status: string) => {
    if (statuses.at(-1) !== status) statuses.push(status);
  });
  await context.addInitScript(() => {
    const report = (): void => {
      const badge = document.querySelector('[data-testid="project-status"]');
      const status = badge?.getAttribute('data-status');
      const tell = (globalThis as unknown as { __status: (status: string) => void }).__status;
      if (status !== null && status !== undefined) tell(status);
    };
    new MutationObserver(report).observe(document, { subtree: true, childList: true, attributes: true });
  });
  return statuses;
}
