import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export const round = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function line(what: string, values: readonly number[], unit: string): void {
  const figures = [0.5, 0.99].map((share) => round(percentile(values, share)));
  console.log(
    `${what.padEnd(44)} p50 ${figures[0] ?? ''} ${unit}, p99 ${figures[1] ?? ''} ${unit} (n=${String(values.length)})`,
  );
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
  goals: readonly [number?, number?] = [],
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

/** Beside the other results, for whoever compares runs. */
export function writeFigures(name: string, figures: readonly Figure[]): void {
  const folder = join('test', 'results');
  mkdirSync(folder, { recursive: true });
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model };
  const file = join(folder, `bench-${name}.json`);
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, figures }, null, 2)}\n`);
  console.log(`Written to ${file}.`);
}
