import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { parseCgiHead, readCgiHead } from './cgi.js';

const HEAD = 'Status: 404 Not Found\r\nContent-Type: text/plain\r\nCache-Control: no-cache\r\n\r\n';

describe('the head of a CGI answer', () => {
  it('is read however it arrives, and the body stays where it is', async () => {
    for (const size of [1, 7, 500]) {
      const output = new PassThrough();
      const bytes = Buffer.from(`${HEAD}\x00body`);
      for (let at = 0; at < bytes.length; at += size) output.write(bytes.subarray(at, at + size));
      output.end();
      expect(await readCgiHead(output)).toEqual({
        status: 404,
        headers: { 'content-type': 'text/plain', 'cache-control': 'no-cache' },
      });
      expect(Buffer.concat(await output.toArray()).toString()).toBe('\x00body');
    }
  });

  it.each([
    ['X-Other: 1'],
    ['Content-Type text/plain'],
    ['Status: 2000'],
    ['Status: abc'],
    ['Content-Type: a\nX: b'],
    [' Content-Type: a'],
    [''],
    ['Content-Length: 1\r\nContent-Length: 2'],
  ])('with a line that git does not write is refused: %j', (line) => {
    expect(() => parseCgiHead(line)).toThrow();
  });

  it.each([['Status: 200'], [`Content-Type: ${'x'.repeat(20_000)}`]])(
    'that never ends is refused',
    async (text) => {
      const output = new PassThrough();
      output.end(text);
      await expect(readCgiHead(output)).rejects.toThrow();
    },
  );
});
