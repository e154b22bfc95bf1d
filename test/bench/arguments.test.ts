import { describe, expect, it } from 'vitest';
import { askedFor } from './arguments.js';

describe('the words after npm run bench', () => {
  it.each([
    [[], { what: 'platform', isolations: ['auto', 'none'] }],
    [['5'], { what: 'platform', projects: 5, isolations: ['auto', 'none'] }],
    [['5', 'none'], { what: 'platform', projects: 5, isolations: ['none'] }],
    [['auto'], { what: 'platform', isolations: ['auto'] }],
    [['intent'], { what: 'intent', sizes: [] }],
    [['intent', '100', '10000'], { what: 'intent', sizes: [100, 10_000] }],
    [['--help'], { what: 'help' }],
    [['5', '-h'], { what: 'help' }],
  ])('%j', (words, asked) => {
    expect(askedFor(words)).toEqual(asked);
  });

  it.each([
    ['--projects', ['--projects']],
    ['0', ['0']],
    ['-5', ['-5', 'none']],
    ['1e3', ['1e3']],
    ['2.5', ['intent', '2.5']],
    ['7', ['5', '7']],
    ['intent', ['5', 'intent']],
    ['', ['']],
  ])('"%s" is refused by name', (word, words) => {
    expect(askedFor(words)).toEqual({
      what: 'wrong',
      problem: expect.stringContaining(`"${word}" is not understood`) as string,
    });
  });
});
