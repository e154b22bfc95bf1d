/** What a program may put into the clipboard at once. */
export const COPY_LIMIT = 1024 * 1024;

/**
 * The text that OSC 52 copies (`Pc ; Pd`, xterm's control sequences): what tmux, vim and others send where they cannot
 * reach the clipboard themselves. undefined for what copies nothing: a question for what is in the clipboard (`?`),
 * which is never answered, the X11 selections that a browser does not have, nothing, too much, and what is no text.
 */
export function copiedText(payload: string): string | undefined {
  const [targets = '', data = ''] = split(payload);
  if (targets !== '' && !/[cs]/.test(targets)) return undefined;
  if (data === '' || data === '?' || data.length > (COPY_LIMIT * 4) / 3 + 4) return undefined;
  try {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function split(payload: string): readonly string[] {
  const at = payload.indexOf(';');
  return at === -1 ? [] : [payload.slice(0, at), payload.slice(at + 1)];
}
