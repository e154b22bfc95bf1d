import type { SearchAddon } from '@xterm/addon-search';
import { projectApi } from '../projects/paths.js';
import { TerminalConnection } from './connection.svelte.js';
import { type BarKey, sequenceOf, withCtrl } from './keys.js';
import type { TerminalPreferences } from './preferences.svelte.js';
import type { Size } from './protocol.js';
import { darkTheme, lightTheme } from './themes.js';
import { createXterm, type XtermParts } from './xterm.js';

const isMac = (): boolean => navigator.platform.startsWith('Mac');

/** One tab: the screen (xterm) and the connection, joined. */
export class TerminalSession {
  readonly connection: TerminalConnection;
  title = $state('');
  /** Counts what was typed while nothing could receive it: it is refused visibly, never kept back. */
  blocked = $state(0);
  /** The key bar's Ctrl: holds for the next character. */
  ctrl = $state(false);
  searching = $state(false);
  ready = $state(false);
  #parts: XtermParts | undefined;
  #observer: ResizeObserver | undefined;
  #disposed = false;

  constructor(project: string, session: string) {
    const url = `${projectApi(project, 'terminal')}?session=${encodeURIComponent(session)}`;
    this.connection = new TerminalConnection(url, {
      size: () => this.#size(),
      write: (data, drawn) => {
        if (this.#parts === undefined) drawn();
        else this.#parts.terminal.write(data, drawn);
      },
      title: (title) => (this.title = title),
    });
  }

  async mount(host: HTMLElement, look: { dark: boolean; preferences: TerminalPreferences }): Promise<void> {
    const parts = await createXterm(host, {
      theme: look.dark ? darkTheme : lightTheme,
      fontSize: look.preferences.fontSize,
      screenReaderMode: look.preferences.screenReader,
    });
    if (this.#disposed) {
      parts.dispose();
      return;
    }
    this.#parts = parts;
    const { terminal } = parts;
    terminal.onData((data) => this.#typed(data));
    terminal.onBinary((data) => this.connection.input(data, true));
    terminal.onResize(({ cols, rows }) => this.connection.resize({ columns: cols, rows }));
    terminal.onTitleChange((title) => (this.title = title));
    terminal.attachCustomKeyEventHandler((event) => this.#keyDown(event));
    this.#observer = new ResizeObserver(() => requestAnimationFrame(() => this.fit()));
    this.#observer.observe(host);
    this.fit();
    this.ready = true;
    await parts.useWebgl();
  }

  fit(): void {
    const host = this.#parts?.terminal.element?.parentElement;
    if (host !== null && host !== undefined && host.offsetWidth > 0 && host.offsetHeight > 0)
      this.#parts?.fit.fit();
  }

  look({ dark, fontSize, screenReader }: { dark: boolean; fontSize: number; screenReader: boolean }): void {
    const options = this.#parts?.terminal.options;
    if (options === undefined) return;
    options.theme = dark ? darkTheme : lightTheme;
    options.screenReaderMode = screenReader;
    if (options.fontSize !== fontSize) {
      options.fontSize = fontSize;
      this.fit();
    }
  }

  focus(): void {
    this.#parts?.terminal.focus();
  }

  press(key: BarKey): void {
    const terminal = this.#parts?.terminal;
    this.#typed(sequenceOf(key, terminal?.modes.applicationCursorKeysMode ?? false));
  }

  async paste(): Promise<void> {
    this.#parts?.terminal.paste(await navigator.clipboard.readText());
  }

  get search(): SearchAddon | undefined {
    return this.#parts?.search;
  }

  closeSearch(): void {
    this.searching = false;
    this.#parts?.search.clearDecorations();
    this.focus();
  }

  dispose(): void {
    this.#disposed = true;
    this.connection.close();
    this.#observer?.disconnect();
    this.#parts?.dispose();
    this.#parts = undefined;
  }

  #size(): Size {
    const terminal = this.#parts?.terminal;
    return { columns: terminal?.cols ?? 80, rows: terminal?.rows ?? 24 };
  }

  #typed(data: string): void {
    const sent = this.ctrl ? withCtrl(data) : data;
    this.ctrl = false;
    if (this.connection.state === 'ended' && sent === '\r') this.connection.open();
    else if (!this.connection.input(sent)) this.blocked += 1;
  }

  /** @returns false for keys that are the page's and not the shell's. */
  #keyDown(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown' || !event.shiftKey || !(isMac() ? event.metaKey : event.ctrlKey))
      return true;
    const key = event.key.toLowerCase();
    if (key === 'f') {
      event.preventDefault();
      this.searching = true;
      return false;
    }
    const selection = this.#parts?.terminal.getSelection() ?? '';
    if (key !== 'c' || selection === '') return true;
    event.preventDefault();
    void navigator.clipboard.writeText(selection);
    return false;
  }
}
