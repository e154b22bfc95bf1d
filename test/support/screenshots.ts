import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { DESKTOP, PHONE } from './browser.js';
import { resultsFolder, ROOT } from './folders.js';

/** The few that the documents show. Written with `UPDATE_SCREENSHOTS=1` only, so that a test run changes no file. */
const IN_DOCS = new Set([
  'projects-light-1280',
  'project-overview-light-1280',
  'project-terminal-dark-1280',
  'project-overview-light-375',
]);

const widths = [DESKTOP, PHONE];
const schemes = ['light', 'dark'] as const;

/** Pictures of the page as it stands, light and dark, wide and narrow; then the page is as it was. */
export async function pictures(
  page: Page,
  name: string,
  { fullPage = false }: { readonly fullPage?: boolean } = {},
): Promise<void> {
  const folder = resultsFolder('screenshots');
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const size of widths) {
      await page.setViewportSize(size);
      const title = `${name}-${colorScheme}-${size.width}`;
      const path = join(folder, `${title}.png`);
      await page.screenshot({ path, animations: 'disabled', fullPage });
      keepForDocs(title, path);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(DESKTOP);
}

function keepForDocs(title: string, path: string): void {
  if (process.env['UPDATE_SCREENSHOTS'] !== '1' || !IN_DOCS.has(title)) return;
  const folder = join(ROOT, 'docs', 'screenshots');
  mkdirSync(folder, { recursive: true });
  copyFileSync(path, join(folder, `${title}.png`));
}
