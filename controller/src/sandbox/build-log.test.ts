import { describe, expect, it } from 'vitest';
import { BuildLog } from './build-log.js';

function linesOf(...chunks: readonly (string | Buffer)[]): readonly string[] {
  const log = new BuildLog();
  const lines = chunks.flatMap((chunk) => log.take(Buffer.from(chunk)));
  return [...lines, ...log.end()];
}

describe('the output of a build', () => {
  it.each<[string, readonly (string | Buffer)[], readonly string[]]>([
    ['whole lines', ['one\ntwo\n'], ['one', 'two']],
    ['a line in pieces', ['o', 'ne\ntw', 'o'], ['one', 'two']],
    ['a character in pieces', [Buffer.from([0xc3]), Buffer.from([0xa4, 0x0a])], ['ä']],
    ['bytes that are no text', [Buffer.from([0xff, 0x0a])], ['\ufffd']],
    ['colours', ['\u001b[1;31mred\u001b[0m and \u001b[2Kplain\n'], ['red and plain']],
    ['a title of a terminal', ['\u001b]0;title\u0007text\n'], ['text']],
    ['progress on one line', ['10%\r50%\r100%\n'], ['100%']],
    ["Windows' line ends", ['one\r\ntwo\r\n'], ['one', 'two']],
    ['other control characters', ['a\u0000b\u0008c\td\n'], ['abc\td']],
  ])('is plain text: %s', (_what, chunks, expected) => {
    expect(linesOf(...chunks)).toEqual(expected);
  });

  it('that has no end of line is told in pieces, none of them long', () => {
    const lines = linesOf(...Array.from({ length: 20 }, () => 'x'.repeat(1000)));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(4000);
  });

  it('is kept up to its end, in whole lines, and it says that there was more', () => {
    const log = new BuildLog();
    for (let index = 0; index < 20_000; index++) log.append([`line ${index} ${'x'.repeat(20)}`]);
    expect(log.text.length).toBeLessThanOrEqual(256 * 1024);
    expect(log.text).toMatch(/^line \d+ x+\n/);
    expect(log.text.endsWith(`line 19999 ${'x'.repeat(20)}\n`)).toBe(true);
    expect(log.shortened).toBe(true);
    log.append(['', '  ', 'the last']);
    expect(log.lastLines(2)).toEqual([`line 19999 ${'x'.repeat(20)}`, 'the last']);
  });
});
