import type { SimpleGit } from 'simple-git';
import type { FileChange, LogEntry, LogQuery } from '../model/repository.js';

/** Fields in the order of {@link FIELDS}; every one ends in NUL, which no field can contain. */
const FIELDS = ['%H', '%P', '%ct', '%an', '%ae', '%s', '%(trailers:only,unfold)'];
const NO_BLOB = /^0+$/;
const PLAIN_MODE = '100644';

/** The line of first parents, as data. */
export async function readLog(git: SimpleGit, query: LogQuery): Promise<readonly LogEntry[]> {
  const output = await git.raw(argumentsOf(query));
  return parseLog(output);
}

function argumentsOf({ from, after, path, limit, order, files }: LogQuery): string[] {
  return [
    'log',
    '--first-parent',
    '--diff-merges=first-parent',
    '-z',
    `--format=${FIELDS.join('%x00')}%x00`,
    ...(files === true ? ['--raw', '--no-abbrev', '--no-renames'] : []),
    ...(limit === undefined ? [] : [`--max-count=${limit}`]),
    ...(order === 'oldest first' ? ['--reverse'] : []),
    from,
    ...(after === undefined ? [] : [`^${after}`]),
    '--',
    ...(path === undefined ? [] : [path]),
  ];
}

/** After a commit's fields come its files; every token is ended by NUL. */
export function parseLog(output: string): LogEntry[] {
  const tokens = output.split('\0');
  const entries: LogEntry[] = [];
  let at = 0;
  for (;;) {
    at = skipSeparators(tokens, at);
    if (at >= tokens.length) return entries;
    const fields = tokens.slice(at, at + FIELDS.length);
    at = skipSeparators(tokens, at + FIELDS.length);
    const files = parseFileChanges(tokens, at);
    at += 2 * files.length;
    entries.push(logEntry(fields, files));
  }
}

/** Two tokens a file, from `start` on: `:<modes> <before> <after> <status>` and the path. */
export function parseFileChanges(tokens: readonly string[], start = 0): FileChange[] {
  const files: FileChange[] = [];
  for (let at = start; isFileLine(tokens[at]); at += 2)
    files.push(fileChange(tokens[at] ?? '', tokens[at + 1] ?? ''));
  return files;
}

/** `-z` puts further NULs between commits, and between a commit and its files. No token of ours that follows is empty. */
function skipSeparators(tokens: readonly string[], from: number): number {
  let at = from;
  while (tokens[at] === '') at += 1;
  return at;
}

function logEntry(fields: readonly string[], files: readonly FileChange[]): LogEntry {
  const [commit = '', parents = '', seconds = '', name = '', email = '', subject = '', trailers = ''] =
    fields;
  const at = new Date(Number(seconds) * 1000);
  const parent = parents.split(' ')[0] || undefined;
  return { commit, parent, at, author: { name, email }, subject, trailers: parseTrailers(trailers), files };
}

const isFileLine = (token: string | undefined): boolean => token !== undefined && /^\n?:/.test(token);

function fileChange(line: string, path: string): FileChange {
  const [, mode = '', before = '', after = ''] = line.trim().split(' ');
  const idOrNull = (id: string): string | null => (NO_BLOB.test(id) ? null : id);
  const isPlain = mode === PLAIN_MODE || NO_BLOB.test(mode);
  return { path, before: idOrNull(before), after: idOrNull(after), ...(isPlain ? {} : { mode }) };
}

/** `Key: value`, a line each. */
export function parseTrailers(text: string): ReadonlyMap<string, string> {
  const trailers = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Za-z][A-Za-z-]*): ?(.*)$/.exec(line);
    if (match?.[1] !== undefined) trailers.set(match[1], match[2] ?? '');
  }
  return trailers;
}
