import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import { encodeDelta } from './delta.js';
import type { GitObject, ObjectType } from './object.js';

/**
 * A pack (version 2) and its index (version 2), as `gitformat-pack` describes them. The objects as they are, but
 * for large trees of the same group: each of these is a delta of the one before. Other deltas are made by the repack.
 */
export interface Pack {
  /** Hex SHA-1 over the pack: `pack-<name>.pack`. */
  readonly name: string;
  readonly pack: Buffer;
  readonly index: Buffer;
}

const TYPE_NUMBER: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3 };
/** A delta whose base is so many bytes before it. */
const OFFSET_DELTA = 6;
const PACK_VERSION = 2;
const INDEX_MAGIC = Buffer.from([0xff, 0x74, 0x4f, 0x63]);
const INDEX_VERSION = 2;
/** Offsets from here on would need the index's 64-bit table. A group of changes is never near it. */
const OFFSET_LIMIT = 0x8000_0000;

interface Placed {
  readonly id: Buffer;
  readonly crc: number;
  readonly offset: number;
}

/** Objects given twice are stored once: an index must not name an id twice. */
export function buildPack(objects: Iterable<GitObject>): Pack {
  const unique = [...new Map([...objects].map((object) => [object.id, object])).values()];
  const header = Buffer.alloc(12);
  header.write('PACK', 'latin1');
  header.writeUInt32BE(PACK_VERSION, 4);
  header.writeUInt32BE(unique.length, 8);

  const chunks: Buffer[] = [header];
  const placed: Placed[] = [];
  const offsets = new Map<string, DeltaBase>();
  let offset = header.length;
  for (const object of unique) {
    const base = object.replaces === undefined ? undefined : offsets.get(object.replaces);
    const entry = base === undefined ? packEntry(object) : deltaEntry(object, base, offset);
    offsets.set(object.id, { content: object.content, offset });
    placed.push({ id: Buffer.from(object.id, 'hex'), crc: crc32(entry), offset });
    chunks.push(entry);
    offset += entry.length;
  }
  if (offset >= OFFSET_LIMIT) throw new RangeError('A pack of 2 GiB and more is not written.');

  const body = Buffer.concat(chunks);
  const checksum = sha1(body);
  return {
    name: checksum.toString('hex'),
    pack: Buffer.concat([body, checksum]),
    index: buildIndex(placed, checksum),
  };
}

interface DeltaBase {
  readonly content: Buffer;
  readonly offset: number;
}

function packEntry({ type, content, replaces }: GitObject): Buffer {
  // A large tree is ids, which do not compress, and the next repack makes a delta of it.
  const body = replaces === undefined ? deflated(content) : deflateSync(content, { level: 0 });
  return Buffer.concat([entryHeader(TYPE_NUMBER[type], content.length), body]);
}

function deltaEntry({ content }: GitObject, base: DeltaBase, offset: number): Buffer {
  const delta = encodeDelta(base.content, content);
  const header = entryHeader(OFFSET_DELTA, delta.length);
  return Buffer.concat([header, distance(offset - base.offset), deflated(delta)]);
}

/** Seven bits a byte, highest first; each byte but the last counts one more than it says. */
function distance(bytes: number): Buffer {
  const result = [bytes & 0x7f];
  for (let rest = Math.floor(bytes / 128); rest > 0; rest = Math.floor(rest / 128))
    result.unshift(0x80 | (--rest & 0x7f));
  return Buffer.from(result);
}

/** Up to here a small window is as good, and making a large one costs more than all the rest. */
const SMALL = 2_048;
const SMALL_WINDOW = { windowBits: 11, memLevel: 3 };

/** Level 1: what is written now is written again by the next repack, and somebody is waiting. */
const deflated = (content: Buffer): Buffer =>
  deflateSync(content, {
    level: 1,
    chunkSize: Math.max(content.length, SMALL),
    ...(content.length <= SMALL ? SMALL_WINDOW : {}),
  });

/** Three bits of type and the size, seven bits a byte after the first four, lowest first. */
function entryHeader(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let byte = (type << 4) | (size & 0x0f);
  let rest = Math.floor(size / 16);
  while (rest > 0) {
    bytes.push(byte | 0x80);
    byte = rest & 0x7f;
    rest = Math.floor(rest / 128);
  }
  bytes.push(byte);
  return Buffer.from(bytes);
}

function buildIndex(placed: readonly Placed[], packChecksum: Buffer): Buffer {
  const sorted = [...placed].sort((a, b) => Buffer.compare(a.id, b.id));
  const head = Buffer.alloc(8);
  INDEX_MAGIC.copy(head);
  head.writeUInt32BE(INDEX_VERSION, 4);
  const body = Buffer.concat([
    head,
    fanout(sorted),
    ...sorted.map(({ id }) => id),
    uint32s(sorted.map(({ crc }) => crc)),
    uint32s(sorted.map(({ offset }) => offset)),
    packChecksum,
  ]);
  return Buffer.concat([body, sha1(body)]);
}

/** For each first byte, how many ids have that byte or a smaller one. */
function fanout(sorted: readonly Placed[]): Buffer {
  const counts = new Array<number>(256).fill(0);
  for (const { id } of sorted) {
    const first = id.readUInt8(0);
    counts[first] = (counts[first] ?? 0) + 1;
  }
  let sum = 0;
  return uint32s(counts.map((count) => (sum += count)));
}

function uint32s(values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => buffer.writeUInt32BE(value, index * 4));
  return buffer;
}

const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();
