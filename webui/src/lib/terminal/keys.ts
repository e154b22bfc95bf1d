/** The keys a phone's keyboard lacks. */
export type BarKey =
  'Escape' | 'Tab' | 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight' | '|' | '/' | '~' | '-';

const ARROWS: Partial<Record<BarKey, string>> = {
  ArrowUp: 'A',
  ArrowDown: 'B',
  ArrowRight: 'C',
  ArrowLeft: 'D',
};

/** @param applicationMode whether the program asked for application cursor keys (vim, less). */
export function sequenceOf(key: BarKey, applicationMode: boolean): string {
  const arrow = ARROWS[key];
  if (arrow !== undefined) return `\u001b${applicationMode ? 'O' : '['}${arrow}`;
  if (key === 'Escape') return '\u001b';
  return key === 'Tab' ? '\t' : key;
}

/** What Ctrl makes of one typed character; anything it has no meaning for stays as it is. */
export function withCtrl(data: string): string {
  if (data.length !== 1) return data;
  const code = data.toUpperCase().charCodeAt(0);
  if (code >= 0x40 && code <= 0x5f) return String.fromCharCode(code & 0x1f);
  if (data === ' ') return '\u0000';
  return data === '?' ? '\u007f' : data;
}
