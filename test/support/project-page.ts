import type { Locator, Page } from 'playwright-core';
import type { Credentials } from './api.js';
import { OWNER } from './fixtures.js';
import { until } from './until.js';

type Tab = 'Overview' | 'Terminal' | 'Environment' | 'Database' | 'Release' | 'History' | 'Settings';

/** What a person does on the portal's pages, by what they can see: names of fields, buttons and links. */
export class ProjectPage {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async beginSignUp(): Promise<void> {
    await this.#page
      .getByRole('link', { name: /create an account/i })
      .first()
      .click();
    await this.#page.getByRole('button', { name: 'Create account' }).waitFor();
  }

  async signUp(who: Credentials): Promise<void> {
    await this.#page.getByLabel('Username').fill(who.username);
    await this.#page.getByLabel('Password', { exact: true }).fill(who.password);
    await this.#page.getByRole('button', { name: 'Create account' }).click();
  }

  /** Signs up at the portal's first page, and sees the list of projects. */
  async join(base: string, who: Credentials = OWNER): Promise<void> {
    await this.#page.goto(base);
    await this.beginSignUp();
    await this.signUp(who);
    await this.#page.getByRole('heading', { name: 'Projects' }).waitFor();
  }

  /** From the list of projects, with what the form offers. Ends where the project runs. */
  async createProject(name: string): Promise<void> {
    await this.#page.getByRole('link', { name: 'New project' }).first().click();
    await this.#page.getByLabel('Name', { exact: true }).fill(name);
    await this.#page.getByRole('button', { name: 'Create project' }).click();
    await this.waitFor('RUNNING', 90_000);
  }

  async signIn(who: Credentials): Promise<void> {
    await this.#page.getByLabel('Username').fill(who.username);
    await this.#page.getByLabel('Password', { exact: true }).fill(who.password);
    await this.#page.getByRole('button', { name: 'Sign in' }).click();
  }

  async signOut(): Promise<void> {
    const direct = this.#page.getByRole('button', { name: 'Sign out' });
    if (!(await direct.first().isVisible()))
      await this.#page
        .getByRole('button', { name: /account|menu/i })
        .first()
        .click();
    await direct
      .or(this.#page.getByRole('menuitem', { name: 'Sign out' }))
      .first()
      .click();
    await this.#page.getByRole('button', { name: 'Sign in' }).waitFor();
  }

  get badge(): Locator {
    return this.#page.getByTestId('project-status').first();
  }

  get #terminal(): Locator {
    return this.#page.locator('[data-testid="terminal"]:visible').first();
  }

  async waitFor(status: string, deadline = 60_000): Promise<void> {
    let seen: string | null = null;
    const reached = async (): Promise<boolean> => {
      seen = await this.badge.getAttribute('data-status');
      if (seen !== status) throw new Error(`the badge says ${String(seen)}`);
      return true;
    };
    await until(`the page to show ${status}`, reached, { deadline });
  }

  async open(base: string, id: string): Promise<void> {
    await this.#page.goto(`${base}/projects/${id}`);
    await this.badge.waitFor();
  }

  async openTab(tab: Tab): Promise<void> {
    const link = this.#page.getByRole('link', { name: tab, exact: true }).first();
    await link.click();
    // A click on the page that is being left is lost.
    await link.and(this.#page.locator('[aria-current="page"]')).waitFor();
  }

  async openTerminal(): Promise<void> {
    await this.openTab('Terminal');
    await this.#connected();
  }

  async newShell(): Promise<void> {
    await this.#page.getByRole('button', { name: 'New tab' }).click();
    await this.#connected();
  }

  async #connected(): Promise<void> {
    await this.#page.locator('[data-testid="terminal"][data-state="connected"]:visible').first().waitFor();
  }

  /** Types into the terminal as a person would, and presses Enter after each line. */
  async typeCommand(text: string): Promise<void> {
    await this.#terminal.click();
    for (const line of text.split('\n')) {
      await this.#page.keyboard.insertText(line);
      await this.#page.keyboard.press('Enter');
    }
  }

  /** What the visible terminal shows, rows joined: a long line is broken where the terminal ends. */
  async text(): Promise<string> {
    const rows = await this.#terminal.locator('.xterm-rows > div').allTextContents();
    return rows.join('\n').replaceAll('\u00a0', ' ');
  }

  async waitForText(pattern: RegExp, deadline = 30_000): Promise<void> {
    const found = async (): Promise<boolean> => {
      const text = await this.text();
      if (pattern.test(text)) return true;
      throw new Error(text.trim().slice(-400));
    };
    await until(`the terminal to show ${String(pattern)}`, found, { deadline });
  }

  /** As `waitForText`, but a few seconds only, and `undefined` where it does not come. */
  async textSoon(pattern: RegExp): Promise<string | undefined> {
    try {
      await this.waitForText(pattern, 3_000);
      return await this.text();
    } catch {
      return undefined;
    }
  }

  async addVariable(name: string, value: string): Promise<void> {
    await this.#page.getByRole('button', { name: 'Add variable' }).click();
    await this.#page.getByLabel('Variable name').last().fill(name);
    await this.#page.getByLabel('Value', { exact: true }).last().fill(value);
    await this.#page.getByRole('button', { name: 'Save' }).click();
    await this.#page.getByText('Saved.', { exact: true }).first().waitFor();
  }

  /** Stopping and restarting end what runs, so the portal asks first. */
  async confirm(button: string): Promise<void> {
    const dialog = this.#page.getByRole('alertdialog').or(this.#page.getByRole('dialog'));
    await dialog.getByRole('button', { name: button, exact: true }).click();
  }
}
