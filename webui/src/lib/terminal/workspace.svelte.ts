import { SvelteMap } from 'svelte/reactivity';
import { addTab, closeTab, firstTabs, renameTab, restoreTabs, type TabList } from './tabs.js';
import { whyRefused } from './refusal.js';
import { TerminalSession } from './terminal-session.svelte.js';
import { projectApi } from '../projects/paths.js';

/** The shells of one project in this browser: which tabs there are, and the sessions behind those that were opened. */
export class TerminalShells {
  list = $state.raw<TabList>(firstTabs);
  /** Only what was looked at is connected: twelve tabs are not twelve shells until they are wanted. */
  readonly sessions = new SvelteMap<string, TerminalSession>();
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

  close(id: string): void {
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
