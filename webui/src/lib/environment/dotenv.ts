/** One `NAME=value` of a `.env` file. */
export interface DotenvEntry {
  readonly name: string;
  readonly value: string;
}

export interface DotenvResult {
  readonly entries: readonly DotenvEntry[];
  /** Lines that are no assignment, with their number from 1: shown, never dropped in silence. */
  readonly skipped: readonly { readonly line: number; readonly text: string }[];
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

/**
 * Reads what `dotenv` and a shell's `export` lines agree on: comments, `export`, single quotes (literal), double quotes
 * (escapes), both over several lines. Nothing is expanded: `$(…)` and `${…}` are data. The last of two equal names wins.
 */
export function parseDotenv(text: string): DotenvResult {
  const source = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const found = new Map<string, string>();
  const skipped: { line: number; text: string }[] = [];
  let at = 0;
  let line = 1;
  while (at < source.length) {
    const end = endOfLine(source, at);
    const raw = source.slice(at, end);
    const assignment = ASSIGNMENT.exec(raw);
    let next = end;
    if (assignment?.[1] !== undefined) {
      const read = readValue(source, at + assignment[0].length);
      found.delete(assignment[1]);
      found.set(assignment[1], read.value);
      next = read.end;
    } else if (raw.trim() !== '' && !raw.trim().startsWith('#')) {
      skipped.push({ line, text: raw.trim() });
    }
    line += source.slice(at, next).split('\n').length;
    at = next + 1;
  }
  return { entries: [...found].map(([name, value]) => ({ name, value })), skipped };
}

/** True where a pasted text is meant as a list of variables and not as one value. */
export function looksLikeDotenv(text: string): boolean {
  return text.split(/\r?\n/).some((line) => ASSIGNMENT.test(line));
}

const endOfLine = (source: string, from: number): number => {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
};

/** `end` is the end of the last line the value is on. */
function readValue(source: string, start: number): { value: string; end: number } {
  const quote = source[start];
  if (quote === '"' || quote === "'" || quote === '`') {
    const close = closingQuote(source, start + 1, quote);
    if (close !== -1) {
      const inside = source.slice(start + 1, close);
      return { value: quote === '"' ? unescape(inside) : inside, end: endOfLine(source, close) };
    }
  }
  const end = endOfLine(source, start);
  const value = source
    .slice(start, end)
    .replace(/(?:^|[ \t])#.*$/, '')
    .trim();
  return { value, end };
}

function closingQuote(source: string, from: number, quote: string): number {
  for (let at = from; at < source.length; at += 1) {
    if (quote === '"' && source[at] === '\\') at += 1;
    else if (source[at] === quote) return at;
  }
  return -1;
}

const unescape = (text: string): string =>
  text.replace(/\\([nrt"\\$])/g, (whole, character: string) => ESCAPES[character] ?? whole);
