/**
 * What of a clipboard may reach a program: text, tabs and line ends. A control character in it would act: the end of a
 * bracketed paste (`ESC [201~`) makes the rest a command that the person never typed, and a page can put one between
 * words that look harmless. xterm.js does not take them out.
 */
export const pasteable = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, '');

/** Lines that a shell would run: an end after the last one begins no new line. */
export const linesOf = (text: string): readonly string[] =>
  text.replace(/(?:\r?\n|\r)+$/, '').split(/\r?\n|\r/);

/** @param bracketed whether the program asked to be told what is pasted: then it decides itself, and runs nothing. */
export const runsAtOnce = (text: string, bracketed: boolean): boolean =>
  !bracketed && linesOf(text).length > 1;

/** Put together by spaces, as somebody would who typed it on one line. */
export const asOneLine = (text: string): string =>
  linesOf(text)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
