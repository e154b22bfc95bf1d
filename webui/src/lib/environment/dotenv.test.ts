import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { looksLikeDotenv, parseDotenv } from './dotenv.js';

const valuesOf = (text: string): Record<string, string> =>
  Object.fromEntries(parseDotenv(text).entries.map(({ name, value }) => [name, value]));

describe('parseDotenv', () => {
  it.each([
    ['A=1', { A: '1' }],
    ['A=', { A: '' }],
    ['export A=1\nexport  B=2', { A: '1', B: '2' }],
    ['A = spaced around ', { A: 'spaced around' }],
    ['A=1 # a comment', { A: '1' }],
    ['A=#nothing', { A: '' }],
    ['URL=http://x/#anchor', { URL: 'http://x/#anchor' }],
    ['A="1 # not a comment" # but this is', { A: '1 # not a comment' }],
    [`A='single $(stays) \\n'`, { A: 'single $(stays) \\n' }],
    ['A="line\\nbreak \\"quoted\\" \\$HOME back\\\\slash"', { A: 'line\nbreak "quoted" $HOME back\\slash' }],
    ['A="first\nsecond"\nB=2', { A: 'first\nsecond', B: '2' }],
    [`K='-----BEGIN-----\nabc=\n-----END-----'\nB=2`, { K: '-----BEGIN-----\nabc=\n-----END-----', B: '2' }],
    ['A=`back ticks`', { A: 'back ticks' }],
    ['A="never closed\nB=2', { A: '"never closed', B: '2' }],
    ['\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['A=a=b=c', { A: 'a=b=c' }],
    ['A=1\nA=2', { A: '2' }],
    ['# only a comment\n\n', {}],
    ['', {}],
  ])('reads %j', (text, expected) => {
    expect(valuesOf(text)).toEqual(expected);
  });

  it('names the lines it could not read, also after a value of several lines', () => {
    expect(parseDotenv('A="1\n2"\nnot an assignment\n1A=2').skipped).toEqual([
      { line: 3, text: 'not an assignment' },
      { line: 4, text: '1A=2' },
    ]);
  });

  it('keeps any single-quoted value without a single quote as it is', () => {
    const value = fc.string().map((text) => text.replace(/['\r]/g, ''));
    fc.assert(
      fc.property(value, (text) => {
        expect(valuesOf(`A='${text}'\nB=after`)).toEqual({ A: text, B: 'after' });
      }),
    );
  });

  it('gets any value back that was written with JSON-like double quotes', () => {
    const value = fc.string().map((text) => text.replace(/\r/g, ''));
    fc.assert(
      fc.property(value, (text) => {
        const quoted = text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
        expect(valuesOf(`A="${quoted}"`)['A']).toBe(text);
      }),
    );
  });
});

describe('looksLikeDotenv', () => {
  it.each([
    ['A=1', true],
    ['export A=1\nB=2', true],
    ['# comment\nA=1', true],
    ['STRIPE_KEY', false],
    ['https://example.com/?a=b', false],
  ])('%j: %s', (text, expected) => {
    expect(looksLikeDotenv(text)).toBe(expected);
  });
});
