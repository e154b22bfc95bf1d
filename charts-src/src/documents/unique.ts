import type { z } from 'zod';

/** Refuses the second entry with the same `key`, beside its field. */
export function unique<K extends string>(key: K) {
  return (list: readonly Readonly<Record<K, string | number>>[], context: z.RefinementCtx): void => {
    const seen = new Set<string | number>();
    list.forEach((entry, index) => {
      const value = entry[key];
      if (seen.has(value))
        context.addIssue({ code: 'custom', path: [index, key], message: `${value} is there twice.` });
      seen.add(value);
    });
  };
}
