import type { Readable } from 'node:stream';

/** What a CGI program says before its body (RFC 3875). */
export interface CgiHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

const HEAD_MAX_BYTES = 16 * 1024;
const FIELD = /^([A-Za-z][A-Za-z-]*): ?([\x20-\x7e]*)$/;
const STATUS = /^([1-5]\d\d)(?: [\x20-\x7e]*)?$/;
/** What `git http-backend` has to say; anything else is not from it. */
const KNOWN: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'cache-control',
  'expires',
  'pragma',
  'last-modified',
]);

/**
 * Reads the head and leaves the stream, paused, where the body begins. Throws where it ends before, or where something
 * in it is not what git writes.
 */
export async function readCgiHead(output: Readable): Promise<CgiHead> {
  let read = Buffer.alloc(0);
  for (;;) {
    const end = read.indexOf('\r\n\r\n');
    if (end >= 0) {
      if (read.length > end + 4) output.unshift(read.subarray(end + 4));
      return parseCgiHead(read.toString('latin1', 0, end));
    }
    if (read.length > HEAD_MAX_BYTES) throw new Error('The head of the answer is too long.');
    read = Buffer.concat([read, await nextChunk(output)]);
  }
}

export function parseCgiHead(text: string): CgiHead {
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const [, field = '', value = ''] = FIELD.exec(line) ?? [];
    const name = field.toLowerCase();
    const known = name === 'status' ? STATUS.exec(value) !== null : KNOWN.has(name) && !(name in headers);
    if (!known) throw new Error('The head of the answer has a line that git does not write.');
    if (name === 'status') status = Number(value.slice(0, 3));
    else headers[name] = value;
  }
  return { status, headers };
}

function nextChunk(output: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const chunk = output.read() as Buffer | null;
      if (chunk === null && !output.readableEnded && !output.destroyed) return;
      forget();
      if (chunk === null) reject(new Error('The answer ended before its head did.'));
      else resolve(chunk);
    };
    const forget = (): void => {
      for (const event of EVENTS) output.off(event, look);
    };
    for (const event of EVENTS) output.on(event, look);
    look();
  });
}

const EVENTS = ['readable', 'end', 'error', 'close'] as const;
