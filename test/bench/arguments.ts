export const ISOLATIONS = ['auto', 'none'] as const;
export type IsolationSetting = (typeof ISOLATIONS)[number];

export type Asked =
  | { readonly what: 'help' }
  | { readonly what: 'wrong'; readonly problem: string }
  /** Without sizes, the usual ones. */
  | { readonly what: 'intent'; readonly sizes: readonly number[] }
  | {
      readonly what: 'platform';
      /** undefined: as many as usual. */
      readonly projects?: number;
      readonly isolations: readonly IsolationSetting[];
    };

export const USAGE = `Figures of this machine, printed and not judged.

  npm run bench                       a whole platform with 20 projects, isolated and not
  npm run bench -- 5 none             with 5 projects, in plain processes only (auto: as isolated as it can be)
  npm run bench -- intent             the git writer, among 100 to 100,000 projects
  npm run bench -- intent 100 10000   the git writer, among as many as are named`;

/** What the words after `npm run bench --` ask for. A word that means nothing is never taken for one that does. */
export function askedFor(words: readonly string[]): Asked {
  if (words.some((word) => word === '--help' || word === '-h' || word === 'help')) return { what: 'help' };
  const [first, ...rest] = words;
  return first === 'intent' ? intent(rest) : platform(words);
}

function intent(words: readonly string[]): Asked {
  const unknown = words.find((word) => !isCount(word));
  if (unknown !== undefined) return wrong(unknown, 'a number of projects, 1 or more');
  return { what: 'intent', sizes: words.map(Number) };
}

function platform(words: readonly string[]): Asked {
  const isolations = ISOLATIONS.filter((isolation) => words.includes(isolation));
  const others = words.filter((word) => !isIsolation(word));
  const unknown = others.find((word) => !isCount(word)) ?? others[1];
  if (unknown !== undefined)
    return wrong(unknown, `"intent", one number of projects, or one of ${ISOLATIONS.join(' and ')}`);
  return {
    what: 'platform',
    ...(others[0] === undefined ? {} : { projects: Number(others[0]) }),
    isolations: isolations.length === 0 ? ISOLATIONS : isolations,
  };
}

const wrong = (word: string, expected: string): Asked => ({
  what: 'wrong',
  problem: `"${word}" is not understood here: ${expected} was expected.`,
});

const isIsolation = (word: string): boolean => ISOLATIONS.some((isolation) => isolation === word);
const isCount = (word: string): boolean => /^[1-9][0-9]{0,6}$/.test(word);
