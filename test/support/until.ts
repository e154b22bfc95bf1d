import { setTimeout as pause } from 'node:timers/promises';

interface UntilOptions {
  /** Milliseconds after which the condition is given up. */
  readonly deadline?: number;
  /** Milliseconds between two looks. */
  readonly every?: number;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return value instanceof Error ? value.message : JSON.stringify(value);
}

/**
 * Looks until the probe answers with something other than `undefined` or `false`, and returns that. A probe that
 * throws counts as "not yet": a server that is being restarted refuses connections for a while.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  { deadline = 60_000, every = 100 }: UntilOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const end = performance.now() + deadline;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(`${what}: not within ${deadline / 1000} s; last seen: ${shown(last)}`);
    await pause(every);
  }
}
