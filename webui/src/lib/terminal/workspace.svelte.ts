import { toast } from 'svelte-sonner';
import { SvelteMap } from 'svelte/reactivity';
import { isCode, messageOf } from '../api.js';
import { endShell, isIdle, listShells, type Shell, withoutTab } from './shells.js';
import { addTab, closeTab, firstTabs, renameTab, restoreTabs, type TabList } from './tabs.js';
import { whyRefused } from './refusal.js';
import { TerminalSession } from './terminal-session.svelte.js';
import { projectApi } from '../projects/paths.js';

/** The shells of one project in this browser: which tabs there are, and the sessions behind those that were opened. */
export class TerminalShells {
  list = $state.raw<TabList>(firstTabs);
  /** Only what was looked at is connected: twelve tabs are not twelve shells until they are wanted. */
  readonly sessions = new SvelteMap<string, TerminalSession>();
  /** What runs without a tab here. */
  others = $state.raw<readonly Shell[]>([]);
  /** A tab that somebody closes while a program runs in its shell. */
  closing = $state.raw<{ readonly id: string; readonly name: string; readonly program: string }>();
  readonly #key: string;
  readonly #storageKey: string;

  constructor(projectKey: string) {
    this.#key = projectKey;
    this.#storageKey = `fsa:shells:${projectKey}`;
  }

  restore(): void {
    this.list = restoreTabs(localStorage.getItem(this.#storageKey));
    this.#open(this.list.active);
  }

  get active(): TerminalSession | undefined {
    return this.sessions.get(this.list.active);
  }

  select(id: string): void {
    this.#change({ ...this.list, active: id });
  }

  add(): void {
    const random = crypto.getRandomValues(new Uint8Array(6));
    this.#change(
      addTab(this.list, `s-${[...random].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`),
    );
  }

  /** A tab for a shell that runs already. */
  show({ session }: Shell): void {
    this.#change(addTab(this.list, session));
    this.others = withoutTab(this.others, this.list.tabs);
  }

  /** Asks the sandbox what runs. Where it does not say, what was known stays. */
  async look(): Promise<readonly Shell[]> {
    const listed = await listShells(this.#key);
    if (!listed.ok) return [];
    this.others = withoutTab(listed.value.shells, this.list.tabs);
    return listed.value.shells;
  }

  /** As people expect of a terminal: its shell ends with the tab, and where something runs in it they are asked. */
  async close(id: string): Promise<void> {
    if (this.list.tabs.length === 1) return;
    const name = this.list.tabs.find((tab) => tab.id === id)?.name ?? id;
    const shell = (await this.look()).find(({ session }) => session === id);
    if (shell === undefined) this.#closeTab(id);
    else if (isIdle(shell)) await this.#end(id);
    else this.closing = { id, name, program: shell.program };
  }

  decideClosing(choice: 'cancel' | 'keep' | 'end'): void {
    const { closing } = this;
    this.closing = undefined;
    if (closing === undefined || choice === 'cancel') return;
    if (choice === 'end') void this.#end(closing.id);
    else {
      this.#closeTab(closing.id);
      void this.look();
    }
  }

  async #end(id: string): Promise<void> {
    this.#closeTab(id);
    const ended = await endShell(this.#key, id);
    if (!ended.ok && !isCode(ended.failure, 'NOT_FOUND')) toast.error(messageOf(ended.failure));
    await this.look();
  }

  #closeTab(id: string): void {
    // The last one stays, whatever was asked meanwhile.
    if (this.list.tabs.length === 1) return;
    this.sessions.get(id)?.dispose();
    this.sessions.delete(id);
    this.#change(closeTab(this.list, id));
  }

  rename(id: string, name: string): void {
    this.#change(renameTab(this.list, id, name));
  }

  dispose(): void {
    for (const session of this.sessions.values()) session.dispose();
    this.sessions.clear();
  }

  #change(list: TabList): void {
    this.list = list;
    localStorage.setItem(this.#storageKey, JSON.stringify(list));
    this.#open(list.active);
  }

  #open(id: string): void {
    if (this.sessions.has(id)) return;
    const path = projectApi(this.#key, 'terminal');
    const session = new TerminalSession({
      url: `${path}?session=${encodeURIComponent(id)}`,
      whyRefused: () => whyRefused(path),
    });
    this.sessions.set(id, session);
  }
}
