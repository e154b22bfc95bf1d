/**
 * Keys that are the page's and not the shell's. Programs cannot tell Ctrl+Shift with a letter from Ctrl with it, and
 * desktop terminals keep Ctrl+Shift+arrows for themselves too: nothing is lost to a program.
 */
export type Shortcut = 'find' | 'copy' | 'leave';

type Key = Pick<KeyboardEvent, 'type' | 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>;

const byKey: Readonly<Record<string, Shortcut>> = { f: 'find', c: 'copy', arrowup: 'leave' };

/** On a Mac with the command key instead of Ctrl. */
export function shortcutOf(event: Key, mac: boolean): Shortcut | undefined {
  const held = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  if (event.type !== 'keydown' || !held || !event.shiftKey || event.altKey) return undefined;
  return byKey[event.key.toLowerCase()];
}

export interface ListedKeys {
  readonly keys: string;
  readonly does: string;
}

/** For people: what is above, and what the browser and xterm.js do. */
export function listedKeys(mac: boolean): readonly ListedKeys[] {
  const both = mac ? '⇧⌘' : 'Ctrl+Shift+';
  return [
    { keys: mac ? '⌘C' : 'Ctrl+Shift+C', does: 'Copy what is selected' },
    { keys: mac ? '⌘V' : 'Ctrl+Shift+V', does: 'Paste' },
    { keys: mac ? '⌥ and drag' : 'Shift and drag', does: 'Select where a program takes the mouse' },
    { keys: `${both}F`, does: 'Find in the output' },
    { keys: mac ? '⇧ Page Up, ⇧ Page Down' : 'Shift+Page Up, Shift+Page Down', does: 'Scroll' },
    { keys: `${both}↑`, does: 'Leave the terminal, to its tabs' },
    { keys: '← →', does: 'On a tab: the next shell. Enter goes into it' },
    { keys: 'F2', does: 'On a tab: rename it' },
    { keys: 'Delete', does: 'On a tab: close it' },
  ];
}

/** As `aria-keyshortcuts` writes it. */
export const leaveKeys = (mac: boolean): { readonly aria: string; readonly text: string } =>
  mac
    ? { aria: 'Meta+Shift+ArrowUp', text: 'Command Shift Arrow up' }
    : { aria: 'Control+Shift+ArrowUp', text: 'Control Shift Arrow up' };
