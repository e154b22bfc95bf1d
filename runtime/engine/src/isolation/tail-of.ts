import type { Readable } from 'node:stream';

/** What came last, of a stream that is read to its end however much comes: who writes may be in a sandbox. */
export async function tailOf(stream: Readable, characters: number): Promise<string> {
  stream.setEncoding('utf8');
  let tail = '';
  for await (const chunk of stream) tail = (tail + String(chunk)).slice(-characters);
  return tail;
}
