import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Browser, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { complaintsOf } from '../support/browser.js';
import { watchFrames } from '../support/frames.js';
import { journey } from '../support/journey.js';
import type { ProjectPage } from '../support/project-page.js';
import { pictures } from '../support/screenshots.js';
import { until } from '../support/until.js';
import { without } from '../support/victims.js';

const FLOOD_MB = 20;

describe('the terminal, as a person uses it', () => {
  let browser: Browser;
  let page: Page;
  let terminal: ProjectPage;
  let complaints: string[];
  const platform = journey('terminal', {
    context: { permissions: ['clipboard-read', 'clipboard-write'] },
    opened: (opened) => {
      ({ browser, page, complaints } = opened);
      terminal = opened.project;
    },
  });

  const copy = (text: string): Promise<void> =>
    page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  const copied = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  const focused = (): Promise<string> =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('role') ?? element?.className ?? '';
    });
  const focusOn = (what: string): Promise<unknown> =>
    until(`the focus on ${what}`, async () => (await focused()).includes(what));
  const state = (name: string): Promise<void> =>
    page.locator(`[data-testid="terminal"][data-state="${name}"]`).waitFor({ timeout: 60_000 });

  it('runs what is typed', async () => {
    await terminal.join(platform.url);
    await terminal.createProject('Shell');
    await terminal.openTerminal();
    await terminal.typeCommand('clear; echo "typed-$((40 + 2)) Grüße 日本 👩‍💻"');
    await terminal.waitForText(/typed-42 Grüße 日本/);
  });

  it('has the size of its page, also when that changes', async () => {
    const columns = async (mark: string): Promise<number> => {
      await terminal.typeCommand(`clear; echo "${mark}=$(tput cols)."`);
      await terminal.waitForText(new RegExp(`${mark}=\\d+\\.`));
      return Number(new RegExp(`${mark}=(\\d+)`).exec(await terminal.text())?.[1]);
    };
    const wide = await columns('wide');
    await page.setViewportSize({ width: 700, height: 600 });
    await until('a narrower terminal', async () => (await columns('narrow')) < wide);
    await page.setViewportSize({ width: 1280, height: 800 });
    await until('the width from before', async () => (await columns('again')) === wide);
  });

  it('keeps the page alive in a flood, and Ctrl-C ends it', async () => {
    const frames = await watchFrames(page);
    const since = performance.now();
    await terminal.typeCommand(
      `clear; head -c ${FLOOD_MB * 750_000} /dev/urandom | base64; echo drawn-$((1 + 1))`,
    );
    await terminal.waitForText(/drawn-2/, 90_000);
    const seconds = (performance.now() - since) / 1000;
    const { longest, p50, p99 } = await frames();
    const speed = (FLOOD_MB / seconds).toFixed(1);
    console.log(`flood: ${speed} MB/s drawn; ms between frames: p50 ${p50}, p99 ${p99}, longest ${longest}`);
    await terminal.typeCommand('yes');
    await terminal.waitForText(/^y$/m);
    await page.keyboard.press('Control+c');
    await terminal.waitForText(/\^C/);
    await terminal.typeCommand('clear; echo after-$((3 + 4))');
    await terminal.waitForText(/after-7/);
  });

  it('finds its named tabs and their shells again after a reload', async () => {
    await terminal.typeCommand('MINE=first; clear; echo set-$((1 + 0))');
    await terminal.waitForText(/set-1/);
    await terminal.newShell();
    await page.getByRole('tab', { selected: true }).press('F2');
    await page.getByLabel('Name of this shell').fill('build');
    await page.keyboard.press('Enter');
    await terminal.typeCommand('MINE=second; clear; echo set-$((1 + 1))');
    await terminal.waitForText(/set-2/);
    await page.reload();
    await page.getByRole('tab', { name: 'build', selected: true }).waitFor();
    await state('connected');
    await terminal.typeCommand('echo "here: $MINE"');
    await terminal.waitForText(/here: second/);
    await page.getByRole('tab', { name: 'main' }).click();
    await state('connected');
    await terminal.typeCommand('clear; echo "here: $MINE"');
    await terminal.waitForText(/here: first/);
  });

  it('leaves a paste to a program that takes it whole, without what would act', async () => {
    // bash takes a paste whole at its prompt only.
    await terminal.typeCommand('clear; echo prompt-$((4 + 4))');
    await terminal.waitForText(/prompt-8\s+\S+@/);
    await copy('echo pasted\u001b[201~\necho not-$((1 + 1))-run');
    await page.keyboard.press('Control+Shift+V');
    await terminal.waitForText(/not-\$\(\(1 \+ 1\)\)-run/);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('Control+c');
    await terminal.typeCommand('clear; echo next-$((2 + 2))');
    await terminal.waitForText(/next-4/);
    expect(await terminal.text()).not.toContain('not-2-run');
  });

  it('asks before it pastes lines that a program would take one by one', async () => {
    await terminal.typeCommand('clear; echo reads-$((4 + 5)); cat > pasted.txt');
    await terminal.waitForText(/reads-9/);
    await copy('one\n  two\nthree\n');
    await page.keyboard.press('Control+Shift+V');
    await page.getByRole('heading', { name: 'Paste 3 lines?' }).waitFor();
    await pictures(page, 'terminal-paste');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Shift+V');
    await page.getByRole('button', { name: 'Paste as one line' }).click();
    await terminal.waitForText(/one two three/);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+d');
    await terminal.typeCommand('clear; wc -l < pasted.txt; cat pasted.txt; echo end-$((3 + 3))');
    await terminal.waitForText(/^1\s+one two three\s+end-6/m);
  });

  it('lets a program copy, says so, and does not copy again when it comes back', async () => {
    await terminal.typeCommand(
      String.raw`clear; printf '\033]52;c;%s\a' "$(printf 'by a program' | base64)"`,
    );
    await page.getByText('A program in this terminal copied text to your clipboard.').waitFor();
    expect(await copied()).toBe('by a program');
    await copy('by a person');
    await page.reload();
    await state('connected');
    await terminal.typeCommand('echo back-$((4 + 4))');
    await terminal.waitForText(/back-8/);
    expect(await copied()).toBe('by a person');
  });

  it('can be left and entered without a mouse, and says how', async () => {
    await terminal.typeCommand('clear');
    await page.keyboard.press('Tab');
    expect(await focused()).toContain('xterm');
    await page.keyboard.press('Control+Shift+ArrowUp');
    await focusOn('tab');
    await page.keyboard.press('Enter');
    await focusOn('xterm');
    await page.getByRole('button', { name: 'Keys of the terminal' }).click();
    await page.getByText('Leave the terminal, to its tabs').waitFor();
    await pictures(page, 'terminal-keys');
    await page.keyboard.press('Escape');
  });

  it('says where a link leads that a program has hidden behind other words', async () => {
    const link = String.raw`\033]8;;https://elsewhere.example/x\033\\https://bank.example\033]8;;\033\\`;
    await terminal.typeCommand(`clear; printf '${link}\\n'`);
    await terminal.waitForText(/^https:\/\/bank\.example$/m);
    await page.locator('[data-testid="terminal"] .xterm-screen').hover({ position: { x: 60, y: 8 } });
    await page.getByTestId('link-address').getByText('https://elsewhere.example/x').waitFor();
    await page.mouse.move(600, 500);
    await page.getByTestId('link-address').waitFor({ state: 'detached' });
  });

  it('finds words in the output', async () => {
    await terminal.typeCommand('clear; seq -f needle-%g 1 300');
    await terminal.waitForText(/needle-300/);
    await page.keyboard.press('Control+Shift+F');
    await page.getByLabel('Find in the output', { exact: true }).last().fill('needle-17');
    await terminal.waitForText(/needle-17$/m);
    await page.keyboard.insertText('-nowhere');
    await page.getByText('Not found').waitFor();
    await page.keyboard.press('Escape');
    await focusOn('xterm');
  });

  it('ends a shell with its tab, and asks where something runs in it', async () => {
    const tabs = page.getByRole('tab');
    const close = (): Promise<void> => page.getByRole('button', { name: 'Close shell 3' }).click();
    await terminal.newShell();
    await terminal.typeCommand('clear; echo sleeps-$((7 + 7)); sleep 4321');
    await terminal.waitForText(/sleeps-14/);
    await close();
    await page.getByText('sleep runs in this shell.').waitFor();
    await pictures(page, 'terminal-close');
    await page.getByRole('button', { name: 'Keep it running' }).click();
    await until('the tab to be gone', async () => (await tabs.count()) === 2);
    await page.getByRole('button', { name: 'Shells without a tab: 1' }).click();
    await pictures(page, 'terminal-others');
    await page.getByRole('menuitem', { name: /sleep/ }).click();
    await terminal.waitForText(/sleeps-14/);
    await page.keyboard.press('Control+c');
    await terminal.typeCommand('echo idle-$((8 + 8))');
    await terminal.waitForText(/idle-16/);
    await close();
    await until('the tab to be gone', async () => (await tabs.count()) === 2);
    expect(await page.getByRole('dialog').count()).toBe(0);
    await until('its shell to be gone', async () => {
      const answer = await page.request.get(`${platform.url}/api/projects/shell/shells`);
      return ((await answer.json()) as { shells: unknown[] }).shells.length === 2;
    });
    await page.getByRole('tab', { name: 'main' }).click();
    await state('connected');
  });

  it('refuses what is typed while the platform is away, visibly, and comes back to the shell', async () => {
    await terminal.typeCommand('clear; KEPT=kept; echo set-$((1 + 2))');
    await terminal.waitForText(/set-3/);
    const before = complaints.length;
    await without(platform.home, 'portal', async () => {
      await state('waiting');
      await terminal.typeCommand('echo typed-in-vain');
      await page.getByText('Not connected: what you type is not sent.').waitFor();
    });
    await state('connected');
    await terminal.typeCommand('echo "$KEPT-$((5 + 5))"');
    await terminal.waitForText(/kept-10/);
    expect(await terminal.text()).not.toContain('typed-in-vain');
    // The browser writes down what the test broke.
    complaints.splice(before);
  });

  it('has a page of its own beside the portal, for whoever has the credential', async () => {
    const project = (await (await page.request.get(`${platform.url}/api/projects/shell`)).json()) as {
      namespace: string;
      urls: { terminal: string };
    };
    const config = new KubeConfig();
    config.loadFromFile(join(platform.home, 'engine', 'kubeconfig'));
    const secret = await config
      .makeApiClient(CoreV1Api)
      .readNamespacedSecret({ name: 'shell--terminal', namespace: project.namespace });
    const password = Buffer.from(secret.data?.['TTYD_ACCESS_TOKEN'] ?? '', 'base64').toString();
    const outside = await browser.newContext({ httpCredentials: { username: 'user', password } });
    const own = await outside.newPage();
    const ownComplaints = complaintsOf(own);
    const stranger = await browser.newPage();
    await expect(stranger.goto(project.urls.terminal)).rejects.toThrow('ERR_INVALID_AUTH_CREDENTIALS');
    await stranger.close();
    await own.goto(`${project.urls.terminal}/?arg=main`);
    const shown = async (): Promise<string> =>
      (await own.locator('.xterm-rows > div').allTextContents()).join('\n').replaceAll('\u00a0', ' ');
    await until('the shell of the portal', async () => (await shown()).includes('kept-10'));
    await own.keyboard.insertText('echo "own $KEPT-$((6 + 6))"');
    await own.keyboard.press('Enter');
    await until('the answer', async () => (await shown()).includes('own kept-12'));
    await terminal.waitForText(/own kept-12/);
    expect(ownComplaints).toEqual([]);
    await outside.close();
  });

  it('complained about nothing in the browser', () => {
    expect(complaints).toEqual([]);
  });
});
