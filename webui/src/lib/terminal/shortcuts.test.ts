import { describe, expect, it } from 'vitest';
import { shortcutOf } from './shortcuts.js';

const none = { type: 'keydown', shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
const ctrlShift = { ...none, shiftKey: true, ctrlKey: true };
const commandShift = { ...none, shiftKey: true, metaKey: true };

describe('keys that are the page’s', () => {
  it.each([
    ['F', 'find'],
    ['C', 'copy'],
    ['ArrowUp', 'leave'],
  ] as const)('with Ctrl+Shift, or Command+Shift on a Mac: %s', (key, shortcut) => {
    expect(shortcutOf({ ...ctrlShift, key }, false)).toBe(shortcut);
    expect(shortcutOf({ ...commandShift, key }, true)).toBe(shortcut);
  });

  it.each([
    ['Ctrl alone', { ...none, ctrlKey: true, key: 'c' }, false],
    ['Shift alone', { ...none, shiftKey: true, key: 'ArrowUp' }, false],
    ['Alt as well', { ...ctrlShift, altKey: true, key: 'F' }, false],
    ['a key that comes up', { ...ctrlShift, type: 'keyup', key: 'F' }, false],
    ['the key of the other system', { ...ctrlShift, key: 'F' }, true],
    ['any other key', { ...ctrlShift, key: 'ArrowDown' }, false],
  ])('and not %s', (_what, event, mac) => {
    expect(shortcutOf(event, mac)).toBeUndefined();
  });
});
