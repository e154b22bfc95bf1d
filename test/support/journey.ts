import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, onTestFailed } from 'vitest';
import { complaintsOf, openBrowser, pictureOnFailure } from './browser.js';
import { has, needs, type CapabilityName } from './capabilities.js';
import { Platform } from './platform.js';
import { ProjectPage } from './project-page.js';

/** How long a page may take for one thing. The machine may be busy with others. */
const PATIENCE_MS = 30_000;

/** What a journey begins with. */
export interface Opened {
  readonly browser: Browser;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly project: ProjectPage;
  /** Grows: whatever the page writes into the browser's console as an error. */
  readonly complaints: string[];
}

export interface JourneyOptions {
  /** Of the platform. */
  readonly env?: Readonly<Record<string, string>>;
  /** Beyond Chromium. */
  readonly needs?: readonly CapabilityName[];
  readonly context?: BrowserContextOptions;
  /** Before the first page is made. */
  readonly prepare?: (context: BrowserContext) => Promise<void>;
  /** Once, before the first test. What it makes and {@link Platform.remove} does not end is for the suite to end. */
  readonly opened: (opened: Opened) => void | Promise<void>;
  /** Further pages to look at when a test fails, by a name for each. */
  readonly others?: () => Readonly<Record<string, Page>>;
}

/**
 * For a `describe` whose tests are the steps of one way through the portal: a platform on a home folder of its own, a
 * browser and a page. After a step that failed the rest is skipped, and there is a picture of what was shown. Where
 * something is missing nothing is started, and every step is skipped with the reason.
 */
export function journey(name: string, options: JourneyOptions): Platform {
  const platform = new Platform(name, options.env);
  const needed = ['chromium', ...(options.needs ?? [])] as const;
  const canRun = needed.every((one) => has(one));
  let opened: Opened | undefined;
  let browser: Browser | undefined;
  let brokenBy: string | undefined;

  beforeAll(async () => {
    if (!canRun) return;
    await platform.start();
    browser = await openBrowser();
    opened = await open(browser, options);
    await options.opened(opened);
  });

  // Also after a start that went wrong on the way.
  afterAll(async () => {
    await browser?.close();
    await platform.remove();
  });

  beforeEach((context) => {
    needs(context, ...needed);
    context.skip(brokenBy !== undefined, `the journey ended at "${String(brokenBy)}"`);
    const step = context.task.name.replaceAll(/[^a-z0-9]+/gi, '-');
    if (opened !== undefined) pictureOnFailure(opened.page, `${name}-${step}`);
    for (const [who, page] of Object.entries(options.others?.() ?? {}))
      pictureOnFailure(page, `${name}-${who}-${step}`);
    onTestFailed(() => {
      brokenBy ??= context.task.name;
    });
  });
  return platform;
}

async function open(browser: Browser, options: JourneyOptions): Promise<Opened> {
  const context = await newContext(browser, options.context);
  await options.prepare?.(context);
  const page = await context.newPage();
  return { browser, context, page, project: new ProjectPage(page), complaints: complaintsOf(page) };
}

/** A person at a computer of their own. */
export async function newContext(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> {
  const context = await browser.newContext({ colorScheme: 'light', ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  return context;
}
