const LINE_MAX = 400;
const LINES_MAX = 40;

/** A push that is not taken: one line for each thing that is wrong, as its pusher reads them. */
export class PushRefused extends Error {
  override readonly name = 'PushRefused';
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
    this.lines = lines;
  }
}

/** A path or a value may be in a line: nothing in it may move a terminal's cursor, and the list has an end. */
export function shownLines(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, LINES_MAX).map(shownLine);
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more.`] : shown;
}

function shownLine(line: string): string {
  const plain = line.toWellFormed().replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');
  const characters = Array.from(plain);
  return characters.length <= LINE_MAX ? plain : `${characters.slice(0, LINE_MAX - 1).join('')}…`;
}
