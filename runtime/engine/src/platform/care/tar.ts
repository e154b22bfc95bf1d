import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, type FileHandle } from 'node:fs/promises';
import { isErrno } from '../../files/durable.js';

/**
 * GNU's tar format, as a stream. Written here and not by the program: files that change, shrink or go away while they
 * are read are the rule in a home folder that is in use, and every tar takes that another way.
 */

const BLOCK = 512;
const CHUNK = 256 * 1024;
/** Eleven octal digits; above it the number is written in binary. */
const LARGEST_OCTAL = 8 ** 11 - 1;
const LONG_NAME = '././@LongLink';

interface Entry {
  /** In the archive. Names are bytes: files of a workspace need not be UTF-8. */
  readonly name: Buffer;
  readonly type: '0' | '2' | '5' | 'L' | 'K';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly modified: number;
  readonly link?: Buffer;
}

export type TarStream = AsyncGenerator<Buffer, void, undefined>;

/** The folder or file at `path` with everything in it, under `name`. What goes away meanwhile is left out. */
export async function* treeEntries(path: string, name: string): TarStream {
  yield* tree(Buffer.from(path), Buffer.from(name));
}

/** A file that is on no disk. */
export async function* textEntry(name: string, text: string): TarStream {
  const content = Buffer.from(text);
  const modified = Math.floor(Date.now() / 1000);
  const uid = process.getuid?.() ?? 0;
  const gid = process.getgid?.() ?? 0;
  yield* headers({
    name: Buffer.from(name),
    type: '0',
    mode: 0o600,
    uid,
    gid,
    size: content.length,
    modified,
  });
  yield Buffer.concat([content, padding(content.length)]);
  await Promise.resolve();
}

/** What an archive ends with. */
export const endOfArchive = (): Buffer => Buffer.alloc(2 * BLOCK);

async function* tree(path: Buffer, name: Buffer): TarStream {
  const stat = await orGone(lstat(path));
  if (stat === undefined) return;
  const { uid, gid } = stat;
  const about = { name, uid, gid, mode: stat.mode & 0o7777, modified: Math.floor(stat.mtimeMs / 1000) };
  if (stat.isFile()) yield* file(path, about);
  else if (stat.isSymbolicLink()) {
    const link = await orGone(readlink(path, { encoding: 'buffer' }));
    if (link !== undefined) yield* headers({ ...about, type: '2', size: 0, link });
  } else if (stat.isDirectory()) {
    yield* headers({ ...about, name: join(name, Buffer.alloc(0)), type: '5', size: 0 });
    const children = (await orGone(readdir(path, { encoding: 'buffer' }))) ?? [];
    for (const child of children.sort((a, b) => a.compare(b)))
      yield* tree(join(path, child), join(name, child));
  }
  // Sockets and pipes are made by who uses them.
}

/** As many bytes as it had when it was opened: what was cut off meanwhile is zeros, what was added stays out. */
async function* file(path: Buffer, about: Omit<Entry, 'type' | 'size'>): TarStream {
  const handle = await orGone(open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    yield* headers({ ...about, type: '0', size });
    for (let at = 0; at < size; at += CHUNK) yield await readAt(handle, at, Math.min(CHUNK, size - at));
    yield padding(size);
  } finally {
    await handle.close();
  }
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const chunk = Buffer.alloc(length);
  for (let read = 0; read < length;) {
    const { bytesRead } = await handle.read(chunk, read, length - read, position + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return chunk;
}

async function orGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  }
}

const SLASH = Buffer.from('/');
const join = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name]);

/** The entry's own header, after those that carry names which it has no room for. */
function* headers(entry: Entry): Generator<Buffer> {
  const { link = Buffer.alloc(0) } = entry;
  if (entry.name.length > 100) yield* longName('L', entry.name);
  if (link.length > 100) yield* longName('K', link);
  yield header(entry);
}

function* longName(type: 'L' | 'K', name: Buffer): Generator<Buffer> {
  const content = Buffer.concat([name, Buffer.alloc(1)]);
  const about = { name: Buffer.from(LONG_NAME), mode: 0, uid: 0, gid: 0, modified: 0 };
  yield header({ ...about, type, size: content.length });
  yield Buffer.concat([content, padding(content.length)]);
}

function header({ name, type, mode, uid, gid, size, modified, link }: Entry): Buffer {
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0, 0, Math.min(name.length, 100));
  block.write(octal(mode, 7), 100, 'latin1');
  number(block, { at: 108, width: 8, value: uid });
  number(block, { at: 116, width: 8, value: gid });
  number(block, { at: 124, width: 12, value: size });
  number(block, { at: 136, width: 12, value: Math.max(modified, 0) });
  block.fill(0x20, 148, 156);
  block.write(type, 156, 'latin1');
  if (link !== undefined) link.copy(block, 157, 0, Math.min(link.length, 100));
  block.write('ustar  \0', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

/** Octal where it fits; otherwise base 256 with the first bit set, which every tar of today reads. */
function number(
  block: Buffer,
  { at, width, value }: { readonly at: number; readonly width: number; readonly value: number },
): void {
  if (value <= Math.min(8 ** (width - 1) - 1, LARGEST_OCTAL)) {
    block.write(octal(value, width - 1), at, 'latin1');
    return;
  }
  block.writeBigUInt64BE(BigInt(value), at + width - 8);
  block[at] = (block[at] ?? 0) | 0x80;
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
