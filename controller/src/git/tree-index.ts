import { AppError } from '../contract/errors.js';
import type { FileAt, Snapshot } from '../model/repository.js';
import { blob, encodeTree, gitObject, TREE_MODE, withOtherIds, type GitObject } from './object.js';

/**
 * A commit's tree in memory: every path's blob id, nothing of the contents. Immutable: a change makes a new index that
 * shares everything it did not touch, so its cost is the directories on the path, not the number of files.
 */

/** Names are byte strings (one character a byte): git orders by bytes and does not promise UTF-8. */
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

interface FileNode {
  readonly name: string;
  readonly mode: string;
  readonly id: string;
}

interface FolderNode extends FileNode {
  readonly entries: readonly Node[];
  /** The tree object, kept where it is large and was written: the next change copies it. */
  readonly content?: Buffer;
}

type Node = FileNode | FolderNode;

const isFolder = (node: Node | undefined): node is FolderNode => node !== undefined && 'entries' in node;

/** git compares a directory as if its name ended in a slash. */
const sortKey = (node: Node): string => (isFolder(node) ? `${node.name}/` : node.name);

/** Folders with more entries than this are not encoded anew for one change: `tenants/` has some 1,300. */
const LARGE_FOLDER = 64;

const PLAIN_MODE = '100644';
const BLOB_MODES: ReadonlySet<string> = new Set([PLAIN_MODE, '100755']);

export interface BlobEdit {
  readonly path: string;
  /** null removes the file. */
  readonly blob: string | null;
  /** Where nothing is said, a file that is executable stays so, and all else becomes a plain file. */
  readonly mode?: string;
}

export interface EditedTree {
  readonly tree: TreeIndex;
  /** The tree objects that are new, the root included. */
  readonly objects: readonly GitObject[];
}

export class TreeIndex implements Snapshot {
  private constructor(private readonly root: FolderNode) {}

  static empty(): TreeIndex {
    return new TreeIndex({ name: '', mode: TREE_MODE, id: encodeTree([]).id, entries: [] });
  }

  /** From the output of `git ls-tree -r -t -z <commit>`. */
  static parse(listing: Buffer): TreeIndex {
    return new TreeIndex(parseListing(listing.toString('latin1')));
  }

  /** Id of the root tree. */
  get id(): string {
    return this.root.id;
  }

  rootObject(): GitObject {
    return encodeTree(this.root.entries);
  }

  blobAt(path: string): string | undefined {
    const node = find(this.root, bytesOf(path));
    return node === undefined || isFolder(node) ? undefined : node.id;
  }

  holds(path: string, content: string): boolean {
    return this.blobAt(path) === blob(content).id;
  }

  *files(folder = ''): Iterable<FileAt> {
    const start = bytesOf(folder.replace(/\/$/, ''));
    const node = start === '' ? this.root : find(this.root, start);
    if (isFolder(node)) yield* walk(node, start === '' ? '' : `${start}/`);
  }

  /** Throws VALIDATION_FAILED for a path that git refuses, or that runs through a file. */
  edit(edits: readonly BlobEdit[]): EditedTree {
    const objects: GitObject[] = [];
    const wanted = edits.map(({ path, ...file }) => ({ segments: segmentsOf(path), ...file }));
    const root = editFolder(this.root, wanted, objects);
    return { tree: new TreeIndex(root), objects };
  }
}

interface SegmentedEdit extends Omit<BlobEdit, 'path'> {
  readonly segments: readonly string[];
}

function editFolder(folder: FolderNode, edits: readonly SegmentedEdit[], objects: GitObject[]): FolderNode {
  const byName = new Map<string, SegmentedEdit[]>();
  for (const { segments, ...file } of edits) {
    const [name = '', ...rest] = segments;
    const list = byName.get(name) ?? [];
    list.push({ ...file, segments: rest });
    byName.set(name, list);
  }
  let entries: readonly Node[] = folder.entries;
  for (const [name, below] of byName)
    entries = withEntry(entries, editedEntry(entries, { name, below, objects }));
  return sameEntries(entries, folder.entries) ? folder : newFolder(folder, entries, objects);
}

interface EntryEdit {
  readonly name: string;
  readonly below: readonly SegmentedEdit[];
  readonly objects: GitObject[];
}

interface Replacement {
  readonly name: string;
  /** undefined: there is nothing of this name afterwards. */
  readonly node: Node | undefined;
}

function editedEntry(entries: readonly Node[], { name, below, objects }: EntryEdit): Replacement {
  const before = entryNamed(entries, name);
  const last = below.findLast(({ segments }) => segments.length === 0);
  if (last !== undefined) {
    if (below.some(({ segments }) => segments.length > 0) || isFolder(before))
      throw new AppError('VALIDATION_FAILED', `"${textOf(name)}" would be a file and a folder at once.`);
    return { name, node: editedFile(before, { ...last, name }) };
  }
  if (before !== undefined && !isFolder(before)) {
    if (below.every(({ blob }) => blob === null)) return { name, node: before };
    throw new AppError('VALIDATION_FAILED', `"${textOf(name)}" is a file: nothing can be below it.`);
  }
  const folder = editFolder(before ?? emptyFolder(name), below, objects);
  // git has no empty directories.
  return { name, node: folder.entries.length === 0 ? undefined : folder };
}

function editedFile(
  before: Node | undefined,
  { name, blob, mode: wanted }: { name: string; blob: string | null; mode?: string },
): Node | undefined {
  if (blob === null) return undefined;
  // A file that somebody made executable stays so; a link or a submodule that is written to becomes a file.
  const kept = before !== undefined && BLOB_MODES.has(before.mode) ? before.mode : PLAIN_MODE;
  const mode = wanted ?? kept;
  return before?.id === blob && before.mode === mode ? before : { name, mode, id: blob };
}

const emptyFolder = (name: string): FolderNode => ({ name, mode: TREE_MODE, id: '', entries: [] });

function newFolder(before: FolderNode, entries: readonly Node[], objects: GitObject[]): FolderNode {
  const { name } = before;
  const isLarge = entries.length > LARGE_FOLDER;
  const object = isLarge ? largeTree(before, entries) : encodeTree(entries);
  // A folder inside that became empty is not an entry of anything, so it is not stored; the root always is.
  if (entries.length > 0 || name === '') objects.push(object);
  const content = isLarge ? { content: object.content } : {};
  return { name, mode: TREE_MODE, id: object.id, entries, ...content };
}

function largeTree({ id, entries: old, content }: FolderNode, entries: readonly Node[]): GitObject {
  const sameNames =
    entries.length === old.length &&
    entries.every(({ name, mode }, at) => name === old[at]?.name && mode === old[at].mode);
  if (content === undefined || !sameNames) return { ...encodeTree(entries), replaces: id };
  const changes = entries.flatMap((entry, at) => {
    const before = old[at];
    return before === undefined || before === entry ? [] : [{ before, id: entry.id }];
  });
  return { ...gitObject('tree', withOtherIds(content, changes)), replaces: id };
}

const sameEntries = (a: readonly Node[], b: readonly Node[]): boolean =>
  a === b || (a.length === b.length && a.every((node, index) => node === b[index]));

function withEntry(entries: readonly Node[], { name, node }: Replacement): readonly Node[] {
  const before = entryNamed(entries, name);
  if (before === node) return entries;
  if (before !== undefined && node !== undefined && sortKey(before) === sortKey(node))
    return entries.with(position(entries, sortKey(node)), node);
  const others = before === undefined ? entries : entries.toSpliced(position(entries, sortKey(before)), 1);
  return node === undefined ? others : others.toSpliced(position(others, sortKey(node)), 0, node);
}

/** The first position whose entry does not sort before `key`. */
function position(entries: readonly Node[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && sortKey(entry) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function entryNamed(entries: readonly Node[], name: string): Node | undefined {
  const file = entries[position(entries, name)];
  if (file?.name === name) return file;
  const folder = entries[position(entries, `${name}/`)];
  return folder?.name === name ? folder : undefined;
}

function find(root: FolderNode, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path.split('/')) node = isFolder(node) ? entryNamed(node.entries, name) : undefined;
  return node;
}

function* walk(folder: FolderNode, prefix: string): Iterable<FileAt> {
  for (const entry of folder.entries) {
    if (isFolder(entry)) yield* walk(entry, `${prefix}${entry.name}/`);
    else yield { path: textOf(prefix + entry.name), blob: entry.id };
  }
}

/** What git itself refuses in a path, `.git` in any case included (a checkout would write into its own repository). */
function segmentsOf(path: string): readonly string[] {
  const segments = bytesOf(path).split('/');
  const refused = segments.some(
    (name) => name === '' || name === '.' || name === '..' || /^\.git$/i.test(name),
  );
  // eslint-disable-next-line no-control-regex -- NUL ends a name in a tree object
  if (refused || /[\u0000-\u001f\u007f\\]/.test(path) || !path.isWellFormed())
    throw new AppError('VALIDATION_FAILED', `${JSON.stringify(path)} cannot be a path in the repository.`);
  return segments;
}

interface OpenFolder {
  readonly name: string;
  readonly id: string;
  /** With a slash at the end. */
  readonly path: string;
  readonly entries: Node[];
}

/** A folder comes right before what is in it, in git's own order. */
function parseListing(listing: string): FolderNode {
  const root: OpenFolder = { name: '', id: '', path: '', entries: [] };
  const open: OpenFolder[] = [root];
  for (const line of listing.split('\0').filter((text) => text !== '')) {
    const { mode, type, id, path } = parseLine(line);
    closeFolders(open, path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (type === 'tree') open.push({ name, id, path: `${path}/`, entries: [] });
    else open.at(-1)?.entries.push({ name, mode, id });
  }
  closeFolders(open, '');
  return { name: '', mode: TREE_MODE, id: encodeTree(root.entries).id, entries: root.entries };
}

/** Ends the open folders that `path` is not in; the root stays open. */
function closeFolders(open: OpenFolder[], path: string): void {
  for (let last = open.at(-1); last !== undefined && open.length > 1; last = open.at(-1)) {
    if (path.startsWith(last.path)) return;
    open.pop();
    const folder: FolderNode = { name: last.name, mode: TREE_MODE, id: last.id, entries: last.entries };
    open.at(-1)?.entries.push(folder);
  }
}

/** `<mode> <type> <id>\t<path>` */
function parseLine(line: string): { mode: string; type: string; id: string; path: string } {
  const tab = line.indexOf('\t');
  const [mode = '', type = '', id = ''] = line.slice(0, tab).split(' ');
  return { mode, type, id, path: line.slice(tab + 1) };
}
