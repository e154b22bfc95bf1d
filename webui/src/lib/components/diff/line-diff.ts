export interface DiffLine {
  /** `gap`: lines that are the same and far from any change are left out. */
  readonly kind: 'same' | 'added' | 'removed' | 'gap';
  readonly text: string;
}

const CONTEXT = 3;
/** Beyond it the two are shown one after the other: comparing costs the product of their lengths. */
const COMPARED_MAX = 1_000_000;

/** What is different between two texts, line by line, with a few lines around it. */
export function lineDiff(before: string, after: string): readonly DiffLine[] {
  return withoutFarLines(compare(linesOf(before), linesOf(after)));
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function compare(before: readonly string[], after: readonly string[]): DiffLine[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  const rest = Math.min(before.length, after.length) - start;
  while (end < rest && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  const same = (text: string): DiffLine => ({ kind: 'same', text });
  return [
    ...before.slice(0, start).map(same),
    ...compareMiddle(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...before.slice(before.length - end).map(same),
  ];
}

/** By the longest common subsequence. */
function compareMiddle(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length * after.length > COMPARED_MAX)
    return [...asKind(before, 'removed'), ...asKind(after, 'added')];
  const lengths = commonLengths(before, after);
  const at = (i: number, j: number): number => lengths[i]?.[j] ?? 0;
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    const [old = '', fresh = ''] = [before[i], after[j]];
    const kind = old === fresh ? 'same' : keeps(at(i + 1, j), at(i, j + 1));
    lines.push({ kind, text: kind === 'added' ? fresh : old });
    if (kind !== 'added') i += 1;
    if (kind !== 'removed') j += 1;
  }
  return [...lines, ...asKind(before.slice(i), 'removed'), ...asKind(after.slice(j), 'added')];
}

/** The way on that leaves more in common. */
const keeps = (withoutOld: number, withoutFresh: number): DiffLine['kind'] =>
  withoutOld >= withoutFresh ? 'removed' : 'added';

const asKind = (lines: readonly string[], kind: DiffLine['kind']): DiffLine[] =>
  lines.map((text) => ({ kind, text }));

/** How long the longest common subsequence of what follows is, for every pair of positions. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    new Array<number>(after.length + 1).fill(0),
  );
  for (let i = before.length - 1; i >= 0; i--) {
    const [row, next] = [lengths[i] ?? [], lengths[i + 1] ?? []];
    for (let j = after.length - 1; j >= 0; j--)
      row[j] = before[i] === after[j] ? (next[j + 1] ?? 0) + 1 : Math.max(next[j] ?? 0, row[j + 1] ?? 0);
  }
  return lengths;
}

function withoutFarLines(lines: readonly DiffLine[]): DiffLine[] {
  const near = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ kind }) => kind !== 'same'),
  );
  return lines.flatMap((line, index): DiffLine[] => {
    if (near[index] === true) return [line];
    return index === 0 || near[index - 1] === true ? [{ kind: 'gap', text: '' }] : [];
  });
}
