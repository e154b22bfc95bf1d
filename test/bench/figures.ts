import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export const round = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export async function timed<T>(work: () => Promise<T>): Promise<{ took: number; value: T }> {
  const since = performance.now();
  const value = await work();
  return { took: performance.now() - since, value };
}

/** How long each of `count` runs takes, one after the other, in milliseconds. */
export async function series(count: number, work: (run: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) times.push((await timed(() => work(run))).took);
  return times;
}

/** One line of a report. `goal` is the most it may be, or the least where `atLeast`. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: number;
  readonly atLeast?: boolean;
}

export const spread = (
  what: string,
  times: readonly number[],
  goals: readonly (number | undefined)[] = [],
): Figure[] =>
  [0.5, 0.99].map((share, at) => ({
    what: `${what}, p${String(share * 100)}`,
    value: percentile(times, share),
    unit: 'ms',
    ...(goals[at] === undefined ? {} : { goal: goals[at] }),
  }));

export function printFigure({ what, value, unit, goal, atLeast = false }: Figure): void {
  const reached = goal !== undefined && (atLeast ? value >= goal : value <= goal);
  const target =
    goal === undefined
      ? ''
      : `   goal ${atLeast ? '>=' : '<='} ${String(goal)}: ${reached ? 'reached' : 'missed'}`;
  const number = value < 10 ? value.toFixed(2) : round(value);
  console.log(`${what.padEnd(62)} ${number.padStart(9)} ${unit.padEnd(10)}${target}`);
}

/** The same figures under several conditions, side by side, as Markdown. */
export function printTable(columns: ReadonlyMap<string, readonly Figure[]>): void {
  const names = [...columns.keys()];
  const rows = new Map<string, Figure[]>();
  for (const figures of columns.values())
    for (const figure of figures) rows.set(figure.what, [...(rows.get(figure.what) ?? []), figure]);
  const cells = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  console.log(`\n${cells(['', 'goal', ...names])}\n${cells(['---', '---', ...names.map(() => '---:')])}`);
  for (const [what, figures] of rows) {
    const goal = figures[0]?.goal;
    const sign = figures[0]?.atLeast === true ? '≥' : '≤';
    const shown = figures.map(({ value, unit }) => `${value < 10 ? value.toFixed(2) : round(value)} ${unit}`);
    console.log(cells([what, goal === undefined ? '' : `${sign} ${String(goal)}`, ...shown]));
  }
  console.log('');
}

/** Beside the other results, for whoever compares runs. */
export function writeFigures(name: string, figures: readonly Figure[]): void {
  const folder = join('test', 'results');
  mkdirSync(folder, { recursive: true });
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model };
  const file = join(folder, `bench-${name}.json`);
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, figures }, null, 2)}\n`);
  console.log(`Written to ${file}.`);
}
