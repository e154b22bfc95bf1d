import type { SearchAddon } from '@xterm/addon-search';
import { toast } from 'svelte-sonner';
import { copiedText } from './clipboard-writes.js';
import { type ConnectionOptions, type Screen, TerminalConnection } from './connection.svelte.js';
import { type BarKey, sequenceOf, withCtrl } from './keys.js';
import { pasteable, runsAtOnce } from './paste.js';
import { isMac } from './platform.js';
import type { TerminalPreferences } from './preferences.svelte.js';
import type { Size } from './protocol.js';
import { leaveKeys, shortcutOf } from './shortcuts.js';
import { darkTheme, lightTheme } from './themes.js';
import { createXterm, type XtermParts } from './xterm.js';

/** RIS: screen, modes and what scrolled out of sight. */
const FULL_RESET = '\u001bc';

/** For guests, whose letters shrink until the owner's screen fits. */
const LEAST_GUEST_FONT = 7;

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
  /** Lines that wait for a person's word, because the program would take each of them as soon as it comes. */
  pasted = $state.raw<string>();
  /** Where the link under the mouse leads. */
  pointedAt = $state<string>();
  /** Where the focus goes from the terminal, which keeps the Tab key for its program. Set by the page. */
  onleave: () => void = () => undefined;
  #parts: XtermParts | undefined;
  #observer: ResizeObserver | undefined;
  #disposed = false;

  /** The owner's size, of a terminal that is shared with us: ours is drawn in it, whatever room there is. */
  #followed: Size | undefined;
  #fontSize = 0;
  readonly guest: boolean;
  /** A guest who may look, and not type. */
  readonly watching: boolean;

  constructor({ url, ...options }: ConnectionOptions & { readonly url: string }) {
    this.guest = options.sends?.size === false;
    this.watching = options.sends?.input === false;
    const screen: Screen = {
      size: () => this.#size(),
      write: (data, drawn) => {
        if (this.#parts === undefined) drawn();
        else this.#parts.terminal.write(data, drawn);
      },
      title: (title) => (this.title = title),
      // Written, not called: it takes its turn behind what waits to be drawn.
      reset: () => this.#parts?.terminal.write(FULL_RESET),
      follow: (size) => {
        this.#followed = size;
        this.fit();
      },
    };
    this.connection = new TerminalConnection(url, screen, options);
  }

  /** @param look `hint`: the id of the element that says how to leave the terminal by keyboard. */
  async mount(
    host: HTMLElement,
    look: { dark: boolean; preferences: TerminalPreferences; hint: string },
  ): Promise<void> {
    const options = {
      theme: look.dark ? darkTheme : lightTheme,
      fontSize: look.preferences.fontSize,
      screenReaderMode: look.preferences.screenReader,
    };
    const parts = await createXterm(host, options, (address) => (this.pointedAt = address));
    if (this.#disposed) {
      parts.dispose();
      return;
    }
    this.#parts = parts;
    this.#fontSize = look.preferences.fontSize;
    const { terminal } = parts;
    terminal.onData((data) => this.#typed(data));
    terminal.onBinary((data) => this.connection.input(data, true));
    terminal.onResize(({ cols, rows }) => this.connection.resize({ columns: cols, rows }));
    terminal.onTitleChange((title) => (this.title = title));
    terminal.attachCustomKeyEventHandler((event) => this.#keyDown(event));
    terminal.textarea?.setAttribute('aria-describedby', look.hint);
    terminal.textarea?.setAttribute('aria-keyshortcuts', leaveKeys(isMac()).aria);
    // Somebody else's terminal does not reach into the clipboard of a guest.
    if (!this.guest) terminal.parser.registerOscHandler(52, (payload) => this.#copied(payload));
    this.#observer = new ResizeObserver(() => requestAnimationFrame(() => this.fit()));
    this.#observer.observe(host);
    this.fit();
    this.ready = true;
    await parts.useWebgl();
  }

  fit(): void {
    const host = this.#parts?.terminal.element?.parentElement;
    if (host === null || host === undefined || host.offsetWidth === 0 || host.offsetHeight === 0) return;
    if (this.guest) this.#fitGuest();
    else this.#parts?.fit.fit();
  }

  /** In the owner's columns and rows, with letters so small that they fit, where those can still be read. */
  #fitGuest(): void {
    const parts = this.#parts;
    if (parts === undefined || this.#followed === undefined) return;
    const { columns, rows } = this.#followed;
    const { terminal } = parts;
    terminal.resize(columns, rows);
    terminal.options.fontSize = this.#fontSize;
    for (let size = this.#fontSize; size > LEAST_GUEST_FONT; size -= 1) {
      terminal.options.fontSize = size;
      const room = parts.fit.proposeDimensions();
      if (room === undefined || (room.cols >= columns && room.rows >= rows)) return;
    }
  }

  look({ dark, fontSize, screenReader }: { dark: boolean; fontSize: number; screenReader: boolean }): void {
    const options = this.#parts?.terminal.options;
    if (options === undefined) return;
    options.theme = dark ? darkTheme : lightTheme;
    options.screenReaderMode = screenReader;
    if (this.#fontSize !== fontSize) {
      this.#fontSize = fontSize;
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

  /** From the key bar, where there is no key for it. Throws where the browser does not allow it. */
  async paste(): Promise<void> {
    this.offerPaste(await navigator.clipboard.readText());
  }

  /** Pastes, or asks first. */
  offerPaste(text: string): void {
    const bracketed = this.#parts?.terminal.modes.bracketedPasteMode ?? false;
    const reaches = this.connection.state === 'connected' && !this.watching;
    if (reaches && runsAtOnce(pasteable(text), bracketed)) this.pasted = pasteable(text);
    else this.pasteNow(text);
  }

  pasteNow(text: string): void {
    this.pasted = undefined;
    this.#parts?.terminal.paste(pasteable(text));
    this.focus();
  }

  cancelPaste(): void {
    this.pasted = undefined;
    this.focus();
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
    if (this.watching) {
      this.blocked += 1;
      return;
    }
    if (this.connection.state === 'ended' && sent === '\r') this.connection.open();
    else if (!this.connection.input(sent)) this.blocked += 1;
  }

  /** @returns false for keys that are the page's and not the shell's. */
  #keyDown(event: KeyboardEvent): boolean {
    const shortcut = shortcutOf(event, isMac());
    if (shortcut === undefined) return true;
    const selection = this.#parts?.terminal.getSelection() ?? '';
    if (shortcut === 'copy' && selection === '') return true;
    event.preventDefault();
    if (shortcut === 'find') this.searching = true;
    else if (shortcut === 'leave') this.onleave();
    else void navigator.clipboard.writeText(selection);
    return false;
  }

  /** @returns true, so that nothing else looks at it. */
  #copied(payload: string): boolean {
    const text = copiedText(payload);
    if (text === undefined) return true;
    // One notice, because a program may do this in a loop, and not over the line that is typed on.
    const how = { id: 'terminal-copied', position: 'bottom-right' } as const;
    const write = (): Promise<void> => navigator.clipboard.writeText(text);
    write().then(
      () => toast.info('A program in this terminal copied text to your clipboard.', how),
      // Some browsers want a click for it, and all of them that the page has the focus.
      () =>
        toast.info('A program in this terminal wants to copy text.', {
          ...how,
          action: { label: 'Copy', onClick: () => void write() },
        }),
    );
    return true;
  }
}
