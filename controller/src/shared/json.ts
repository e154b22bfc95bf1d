/** Reading JSON that somebody else wrote: a wrong type is an absent value, never an exception. */

export type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const record = (value: unknown): Json => (isRecord(value) ? value : {});

/** The value at `path`, or undefined. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((current, key) => record(current)[key], value);
}

export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
}

export function count(value: unknown, ...path: readonly string[]): number {
  const found = at(value, ...path);
  return typeof found === 'number' ? found : 0;
}

export function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function date(value: unknown, ...path: readonly string[]): Date | undefined {
  const found = text(value, ...path);
  const parsed = found === undefined ? Number.NaN : Date.parse(found);
  return Number.isNaN(parsed) ? undefined : new Date(parsed);
}
