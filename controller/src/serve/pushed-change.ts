import type { GitLocation } from '../git/git-process.js';
import { gitBytes, runGit } from '../git/git-process.js';
import { PushRefused } from './refusal.js';

/** A file that a push changes, on the three sides. null: there is none. */
export interface PushedFile {
  readonly path: string;
  readonly base: string | null;
  readonly ours: string | null;
  /** Blob id of `ours`, by which it is seen later whether it still stands. */
  readonly standing: string | null;
  readonly theirs: string | null;
}

/** What somebody pushed, against what they began with and what stands now. */
export interface PushedChange {
  readonly pushed: string;
  readonly commits: number;
  readonly files: readonly PushedFile[];
}

export interface PushSource {
  readonly location: GitLocation;
  readonly pushed: string;
  readonly main: string;
  /** Blob id of a file of `main` as it stands. */
  readonly standing: (path: string) => string | null;
}

const COMMITS_MAX = 100;
const OBJECTS_MAX = 5_000;
const FILES_MAX = 500;
const FILE_MAX_BYTES = 2 * 1024 * 1024;
const FILES_MAX_BYTES = 16 * 1024 * 1024;
const PLAIN = '100644';
const EXECUTABLE = '100755';
const RAW = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [A-Z]$/;
const NONE = '0'.repeat(40);

/** undefined where `main` has all of it already. Throws {@link PushRefused} for what is no small change of text. */
export async function readPush(source: PushSource): Promise<PushedChange | undefined> {
  const { location, pushed, main } = source;
  await requireCommit(location, pushed);
  const commits = Number(await lineOf(location, ['rev-list', '--count', pushed, `^${main}`]));
  if (commits === 0) return undefined;
  if (commits > COMMITS_MAX)
    throw new PushRefused([`${commits} commits in one push; at most ${COMMITS_MAX} are taken.`]);
  const base = await commonBase(source);
  await requireSmallObjects(source);
  const changes = await changesBetween(location, base, pushed);
  return { pushed, commits, files: await readFiles(source, changes) };
}

/** Looks only at what a push brought along, referenced or not. */
export async function requireFewObjects(quarantined: GitLocation): Promise<void> {
  const report = (await gitBytes(quarantined, ['count-objects', '-v'])).toString('latin1');
  const [loose, packed] = [/^count: (\d+)$/m, /^in-pack: (\d+)$/m].map((line) =>
    Number(line.exec(report)?.[1] ?? 0),
  );
  if ((loose ?? 0) + (packed ?? 0) > OBJECTS_MAX)
    throw new PushRefused([`More than ${OBJECTS_MAX} objects in one push. Push less at a time.`]);
}

async function requireCommit(location: GitLocation, pushed: string): Promise<void> {
  const { output } = await runGit(location, ['cat-file', '-t', pushed]);
  if (output.toString('latin1').trim() !== 'commit')
    throw new PushRefused(['Only a commit can be merged into main.']);
}

async function commonBase({ location, pushed, main }: PushSource): Promise<string> {
  const { output } = await runGit(location, ['merge-base', '--all', main, pushed]);
  const [base, ...others] = output.toString('latin1').split('\n').filter(Boolean);
  if (base === undefined)
    throw new PushRefused(['These commits do not begin with main. Clone the repository and work on that.']);
  if (others.length > 0)
    throw new PushRefused(['main was joined meanwhile. Fetch it, merge it and push again.']);
  return base;
}

/** Every version on the way counts, not only the last: what is once in a history stays there. */
async function requireSmallObjects({ location, pushed, main }: PushSource): Promise<void> {
  const ids = await gitBytes(location, ['rev-list', '--objects', '--no-object-names', pushed, `^${main}`]);
  const check = ['cat-file', '--batch-check=%(objecttype) %(objectsize)'];
  const sizes = (await gitBytes(location, check, ids.toString('latin1'))).toString('latin1').split('\n');
  if (sizes.some((line) => Number(line.split(' ')[1] ?? 0) > FILE_MAX_BYTES))
    throw new PushRefused([`One of the pushed files has more than ${FILE_MAX_BYTES / 1024 / 1024} MiB.`]);
}

interface BlobChange {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

async function changesBetween(
  location: GitLocation,
  base: string,
  pushed: string,
): Promise<readonly BlobChange[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-abbrev', '--no-renames', base, pushed];
  const fields = textOrNull(await gitBytes(location, args))?.split('\0') ?? refuse('A path is not UTF-8.');
  const changes: BlobChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2)
    changes.push(changeOf(fields[at] ?? '', fields[at + 1] ?? ''));
  if (changes.length > FILES_MAX) refuse(`More than ${FILES_MAX} files are changed by one push.`);
  return changes;
}

function changeOf(raw: string, path: string): BlobChange {
  const [, modeBefore, modeAfter, before = '', after = ''] = RAW.exec(raw) ?? [];
  const asBefore = modeBefore === EXECUTABLE && modeAfter === EXECUTABLE;
  if (after !== NONE && modeAfter !== PLAIN && !asBefore)
    refuse(`${path}: only plain files are taken: no links, no submodules, nothing executable.`);
  return { path, before: before === NONE ? null : before, after: after === NONE ? null : after };
}

async function readFiles(
  { location, standing }: PushSource,
  changes: readonly BlobChange[],
): Promise<readonly PushedFile[]> {
  const wanted = changes.map((change) => ({ ...change, standing: standing(change.path) }));
  const ids = wanted.flatMap(({ before, after, standing: ours }) => [before, after, ours]);
  const texts = await readTexts(location, [...new Set(ids.filter((id) => id !== null))]);
  return wanted.map(({ path, before, after, standing: oursId }) => {
    const textOf = (id: string | null): string | null =>
      id === null ? null : (texts.get(id) ?? refuse(`${path}: this is not a text in UTF-8.`));
    return { path, base: textOf(before), theirs: textOf(after), ours: textOf(oursId), standing: oursId };
  });
}

/** What is no text is left out. */
async function readTexts(location: GitLocation, ids: readonly string[]): Promise<Map<string, string>> {
  const list = ids.map((id) => `${id}\n`).join('');
  const sizes = (await gitBytes(location, ['cat-file', '--batch-check=%(objectsize)'], list)).toString(
    'latin1',
  );
  const total = sizes.split('\n').reduce((sum, size) => sum + Number(size), 0);
  if (total > FILES_MAX_BYTES)
    refuse(`The changed files have more than ${FILES_MAX_BYTES / 1024 / 1024} MiB.`);
  const output = await gitBytes(location, ['cat-file', '--batch=%(objectsize)'], list);
  const texts = new Map<string, string>();
  let at = 0;
  for (const id of ids) {
    const start = output.indexOf('\n', at) + 1;
    const end = start + Number(output.toString('latin1', at, start - 1));
    const text = textOrNull(output.subarray(start, end));
    if (text !== undefined && !text.includes('\0')) texts.set(id, text);
    at = end + 1;
  }
  return texts;
}

function textOrNull(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const lineOf = async (location: GitLocation, args: readonly string[]): Promise<string> =>
  (await gitBytes(location, args)).toString('latin1').trim();

function refuse(line: string): never {
  throw new PushRefused([line]);
}
