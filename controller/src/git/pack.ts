import { createHash } from 'node:crypto';
import { crc32, deflateSync } from 'node:zlib';
import type { GitObject, ObjectType } from './object.js';

/**
 * A pack (version 2) and its index (version 2), as `gitformat-pack` describes them: no deltas, the objects as they are.
 * `git repack` makes deltas later, in the background.
 */
export interface Pack {
  /** Hex SHA-1 over the pack: `pack-<name>.pack`. */
  readonly name: string;
  readonly pack: Buffer;
  readonly index: Buffer;
}

const TYPE_NUMBER: Record<ObjectType, number> = { commit: 1, tree: 2, blob: 3 };
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
  let offset = header.length;
  for (const object of unique) {
    const entry = packEntry(object);
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

function packEntry({ type, content }: GitObject): Buffer {
  // Level 1: what is written now is rewritten with deltas by the next repack, and somebody is waiting.
  return Buffer.concat([entryHeader(TYPE_NUMBER[type], content.length), deflateSync(content, { level: 1 })]);
}

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
