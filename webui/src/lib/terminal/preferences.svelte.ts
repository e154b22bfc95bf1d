import { createContext } from 'svelte';

const KEY = 'fsa:terminal';
export const FONT_SIZE = { least: 10, most: 24, usual: 14 } as const;

const clamp = (size: number): number => Math.min(FONT_SIZE.most, Math.max(FONT_SIZE.least, Math.round(size)));

/** How a person likes their terminals; kept in the browser. */
export class TerminalPreferences {
  fontSize = $state<number>(FONT_SIZE.usual);
  screenReader = $state(false);

  load(): void {
    try {
      const stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as {
        fontSize?: unknown;
        screenReader?: unknown;
      };
      if (typeof stored.fontSize === 'number') this.fontSize = clamp(stored.fontSize);
      this.screenReader = stored.screenReader === true;
    } catch {
      // Unreadable or blocked: the usual ones stand.
    }
  }

  zoom(by: number): void {
    this.fontSize = clamp(this.fontSize + by);
    this.#save();
  }

  toggleScreenReader(): void {
    this.screenReader = !this.screenReader;
    this.#save();
  }

  #save(): void {
    localStorage.setItem(KEY, JSON.stringify({ fontSize: this.fontSize, screenReader: this.screenReader }));
  }
}

export const [getTerminalPreferences, setTerminalPreferences] = createContext<TerminalPreferences>();
