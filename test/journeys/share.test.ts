import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { journey, newContext } from '../support/journey.js';
import { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';
import { without } from '../support/victims.js';

describe('a terminal that is shared by a link', () => {
  let browser: Browser;
  let owner: Page;
  let terminal: ProjectPage;
  let guest: Page;
  let guestTerminal: ProjectPage;
  let complaints: string[];
  const links: string[] = [];
  const platform = journey('share', {
    others: () => ({ guest }),
    opened: async (opened) => {
      ({ browser, page: owner, project: terminal, complaints } = opened);
      const elsewhere = await newContext(browser, { viewport: { width: 700, height: 500 } });
      guest = await elsewhere.newPage();
      guestTerminal = new ProjectPage(guest);
    },
  });

  const openShares = (): Promise<void> => owner.getByRole('button', { name: /^Share this shell/ }).click();
  const closeShares = async (): Promise<void> => {
    await owner.keyboard.press('Escape');
    await owner.getByRole('dialog').waitFor({ state: 'hidden' });
  };

  async function share(access: 'View only' | 'Can type'): Promise<string> {
    await openShares();
    await owner.getByLabel('What they may do').selectOption({ label: access });
    await owner.getByRole('button', { name: 'Create link' }).click();
    const link = await owner.getByTestId('share-link').textContent();
    await pictures(owner, `share-link-${access.replace(' ', '-').toLowerCase()}`);
    await closeShares();
    links.push(link ?? '');
    return link ?? '';
  }

  async function joinAs(link: string, name: string): Promise<void> {
    await guest.goto(link);
    await guest.getByLabel('Your name').fill(name);
    await pictures(guest, 'share-join');
    await guest.getByRole('button', { name: 'Join' }).click();
    await guestState('connected');
  }

  const guestState = (state: string): Promise<void> =>
    guest.locator(`[data-testid="terminal"][data-state="${state}"]`).waitFor();

  it('has an owner with a running shell', async () => {
    await terminal.join(platform.url);
    await terminal.createProject('My Blog');
    await terminal.openTerminal();
    await terminal.typeCommand('clear; echo began-$((40 + 2))');
    await terminal.waitForText(/began-42/);
  });

  it('opens for somebody without an account, and is gone from the address at once', async () => {
    const link = await share('View only');
    await joinAs(link, 'Grace');
    await guestTerminal.waitForText(/began-42/);
    expect(new URL(guest.url()).hash).toBe('');
    expect(await guest.evaluate(() => JSON.stringify(history.state))).not.toContain(
      new URL(link).hash.slice(1),
    );
    await pictures(guest, 'share-guest');
  });

  it('shows what the owner does, in the size of the owner', async () => {
    await terminal.typeCommand('clear; echo "size=$(stty size)"');
    await terminal.waitForText(/size=\d+ \d+/);
    const size = /size=\d+ \d+/.exec(await terminal.text())?.[0] ?? 'nothing';
    await guestTerminal.waitForText(new RegExp(size));
    await guest.setViewportSize({ width: 400, height: 300 });
    await guest.setViewportSize({ width: 700, height: 500 });
    await terminal.typeCommand('clear; echo "again $(stty size)"');
    await terminal.waitForText(new RegExp(size.replace('size=', 'again ')));
  });

  it('takes nothing that a viewer types, from the page or past it', async () => {
    await guestTerminal.typeCommand('echo typed-by-the-guest');
    await guest.getByText('You are watching: what you type is not sent.').waitFor();
    // What a page cannot be trusted with: a connection that sends input all the same, and ends when that was read.
    const path = `${new URL(guest.url()).pathname.replace('/share/', '/api/shares/')}/terminal`;
    await guest.evaluate(
      async (address) => {
        const socket = new WebSocket(address, 'tty');
        await new Promise((resolve) => socket.addEventListener('open', resolve));
        socket.send(new TextEncoder().encode(JSON.stringify({ AuthToken: '', columns: 20, rows: 5 })));
        await new Promise((resolve) => socket.addEventListener('message', resolve));
        socket.send(new TextEncoder().encode('0echo sneaked-in\r'));
        socket.send(new TextEncoder().encode('1{"columns":20,"rows":5}'));
        await new Promise((resolve) => {
          socket.addEventListener('close', resolve);
          socket.close(1000);
        });
      },
      path.replace(/^/, platform.url.replace('http', 'ws')),
    );
    await terminal.typeCommand('echo still-$((20 + 3))');
    await terminal.waitForText(/still-23/);
    const text = await terminal.text();
    expect(text).not.toContain('typed-by-the-guest');
    expect(text).not.toContain('sneaked-in');
  });

  it('is found again after a reload, without the link', async () => {
    await guest.reload();
    await guestState('connected');
    await guestTerminal.waitForText(/still-23/);
  });

  it('lists who joined, and ends at once for all of them when it is ended', async () => {
    await openShares();
    const joined = owner.getByTestId('share-guest').filter({ hasText: 'Grace (without account)' });
    await joined.and(owner.locator('[data-online="true"]')).waitFor();
    await pictures(owner, 'share-list');
    await owner.getByRole('button', { name: /^End the link/ }).click();
    await guestState('refused');
    await guest.getByText('This terminal is no longer shared with you.').waitFor();
    await owner.getByText(/ended by ada/).waitFor();
    await closeShares();
    await pictures(guest, 'share-ended');
    await guest.goto(links[0] ?? '');
    await guest.getByText('This terminal cannot be opened').waitFor();
  });

  it('lets somebody type where the owner said so', async () => {
    await joinAs(await share('Can type'), 'Linus');
    await guestTerminal.typeCommand('clear; echo written-$((3 + 3))');
    await terminal.waitForText(/written-6/);
  });

  it('removes one guest, and nobody else', async () => {
    const other = await (await browser.newContext()).newPage();
    await other.goto(links.at(-1) ?? '');
    await other.getByLabel('Your name').fill('Mallory');
    await other.getByRole('button', { name: 'Join' }).click();
    await other.locator('[data-testid="terminal"][data-state="connected"]').waitFor();
    await openShares();
    await owner.getByRole('button', { name: 'Remove Mallory from main' }).click();
    await owner.getByText(/removed by ada/).waitFor();
    await pictures(owner, 'share-removed');
    await closeShares();
    await other.locator('[data-testid="terminal"][data-state="refused"]').waitFor();
    await other.goto(links.at(-1) ?? '');
    await other.getByText('You were removed from this terminal').waitFor();
    await other.context().close();
    await guestState('connected');
  });

  it('comes back to the same shells when the portal was away, and shows what they printed once', async () => {
    await terminal.newShell();
    await terminal.typeCommand('seq -f once-%g 1 100; KEPT=kept');
    await terminal.waitForText(/once-100/);
    const before = complaints.length;
    await without(platform.home, 'portal', () =>
      owner.locator('[data-testid="terminal"][data-state="waiting"]').waitFor(),
    );
    await owner.locator('[data-testid="terminal"][data-state="connected"]').waitFor({ timeout: 60_000 });
    await guest.locator('[data-testid="terminal"][data-state="connected"]').waitFor({ timeout: 60_000 });
    await terminal.typeCommand('echo $KEPT-$((50 + 5))');
    await terminal.waitForText(/kept-55/);
    const pages = await everythingShown();
    // Pages overlap by a line, so one of these may be counted twice.
    const counts = [50, 60, 70].map((line) => pages.split(`once-${line}\n`).length - 1);
    expect(Math.min(...counts)).toBe(1);
    await guestTerminal.typeCommand('echo guest-$((60 + 6))');
    await guestTerminal.waitForText(/guest-66/);
    // The browser writes down what the test broke.
    complaints.splice(before);
  });

  /** What scrolled out of sight too, from the end to where the shell counted from. */
  async function everythingShown(): Promise<string> {
    const pages: string[] = [];
    await until('the first line of what was printed', async () => {
      const page = await terminal.text();
      // A page is drawn a moment after the key: until then it is the one before.
      if (page !== pages.at(-1)) pages.push(page);
      if (/^once-1$/m.test(page)) return true;
      await owner.keyboard.press('Shift+PageUp');
      throw new Error(page.trim().slice(0, 400));
    });
    return pages.join('\n');
  }

  it('is written down, without its secret', async () => {
    const logs = join(platform.home, 'logs');
    const written = (): string =>
      readdirSync(logs, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.log'))
        .map((file) => readFileSync(join(logs, file), 'utf8'))
        .join('');
    const audited = [
      'terminal-shared',
      'terminal-share-joined',
      'terminal-share-ended',
      'terminal-share-guest-removed',
      '"guest":"Grace"',
    ];
    await until('the audit lines', () => audited.every((what) => written().includes(what)));
    for (const link of links) expect(written()).not.toContain(new URL(link).hash.slice(1));
  });

  it('complained about nothing in the browser of the owner', () => {
    expect(complaints).toEqual([]);
  });
});
