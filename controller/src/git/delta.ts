/**
 * git's delta (`gitformat-pack`, "Deltified representation"), for two versions that differ in one place: what is the same
 * at the beginning and at the end is copied, what lies between is written out. A repack finds better ones.
 */
export function encodeDelta(base: Buffer, target: Buffer): Buffer {
  const start = commonStart(base, target);
  const end = commonEnd(base.subarray(start), target.subarray(start));
  return Buffer.from([
    ...size(base.length),
    ...size(target.length),
    ...copies(0, start),
    ...inserts(target.subarray(start, target.length - end)),
    ...copies(base.length - end, end),
  ]);
}

/** One copy takes no more than this, in every version of the format. */
const COPY_MAX = 0xffff;
const INSERT_MAX = 0x7f;
/** Bytes are compared in steps of so many first, which the runtime does at once. */
const STEP = 512;

function commonStart(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at + STEP <= length && a.compare(b, at, at + STEP, at, at + STEP) === 0) at += STEP;
  while (at < length && a[at] === b[at]) at += 1;
  return at;
}

function commonEnd(a: Buffer, b: Buffer): number {
  const length = Math.min(a.length, b.length);
  const sameBefore = (end: number, bytes: number): boolean =>
    a.compare(b, b.length - end - bytes, b.length - end, a.length - end - bytes, a.length - end) === 0;
  let end = 0;
  while (end + STEP <= length && sameBefore(end, STEP)) end += STEP;
  while (end < length && a[a.length - end - 1] === b[b.length - end - 1]) end += 1;
  return end;
}

/** Seven bits a byte, lowest first. */
function size(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

/** Copies `length` bytes from `offset` of the base: a byte that says which of the seven that follow are not zero. */
function copies(offset: number, length: number): number[] {
  const bytes: number[] = [];
  for (let done = 0; done < length; done += COPY_MAX) {
    const from = offset + done;
    const count = Math.min(COPY_MAX, length - done);
    const parts = [from, from >>> 8, from >>> 16, from >>> 24, count, count >>> 8].map((part) => part & 0xff);
    const present = parts.reduce((bits, part, at) => (part === 0 ? bits : bits | (1 << at)), 0x80);
    bytes.push(present, ...parts.filter((part) => part !== 0));
  }
  return bytes;
}

function inserts(bytes: Buffer): number[] {
  const result: number[] = [];
  for (let at = 0; at < bytes.length; at += INSERT_MAX) {
    const part = bytes.subarray(at, at + INSERT_MAX);
    result.push(part.length, ...part);
  }
  return result;
}
