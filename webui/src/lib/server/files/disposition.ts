/**
 * What must not stand in a file's name on somebody's disk: control characters, what turns the direction of text
 * around (so that "gpj.exe" reads as "exe.jpg"), and the separators of other systems.
 */
// eslint-disable-next-line no-control-regex -- control characters are what is taken out
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\\/:*?"<>|]/g;

/** `Content-Disposition` of a download: the last step of `path`, with `suffix` behind it. RFC 6266, with both names. */
export function attachment(path: string, suffix = ''): string {
  const last = path.split('/').at(-1) ?? '';
  const name = `${last.replace(UNSAFE, '_').trim() || 'download'}${suffix}`;
  const plain = name.replace(/[^\x20-\x7e]/gu, '_').replace(/[%']/g, '_');
  return `attachment; filename="${plain}"; filename*=UTF-8''${percent(name)}`;
}

/** What encodeURIComponent leaves as it is and RFC 5987 does not. */
const percent = (text: string): string =>
  encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
