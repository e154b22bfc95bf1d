import { record } from '../shared/json.js';

/** One step into an object: a field, the item of a list that has these fields, the n-th item, or an item by its value. */
export type Step =
  | { readonly field: string }
  | { readonly item: Readonly<Record<string, unknown>> }
  | { readonly index: number }
  | { readonly value: unknown };

export type Path = readonly Step[];

/** The fields by which the items of a list are told apart, as Kubernetes does it in its own lists. */
const KEYS: readonly (readonly string[])[] = [
  ['name'],
  ['mountPath'],
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
];

/** How the items of these lists are told apart; undefined where only their place does. */
export function keysOf(...lists: readonly (readonly unknown[])[]): readonly string[] | undefined {
  return KEYS.find((keys) =>
    lists.every((items) => {
      const ids = items.map((item) => idOf(item, keys));
      return !ids.includes(undefined) && new Set(ids).size === ids.length;
    }),
  );
}

function idOf(item: unknown, keys: readonly string[]): string | undefined {
  const values = keys.map((key) => record(item)[key]);
  return values.includes(undefined) ? undefined : JSON.stringify(values);
}

export const itemStep = (item: unknown, keys: readonly string[]): Step => ({
  item: Object.fromEntries(keys.map((key) => [key, record(item)[key]])),
});

/** The value that a step leads to; undefined where there is none. */
export function follow(value: unknown, step: Step): unknown {
  if ('field' in step) return record(value)[step.field];
  if (!Array.isArray(value)) return undefined;
  if ('index' in step) return (value as readonly unknown[])[step.index];
  const items = value as readonly unknown[];
  if ('value' in step) return items.find((item) => item === step.value);
  return items.find((item) =>
    Object.entries(step.item).every(([key, wanted]) => record(item)[key] === wanted),
  );
}

export function textOf(path: Path): string {
  return path.map(stepText).join('').replace(/^\./, '');
}

function stepText(step: Step): string {
  if ('field' in step)
    return /^[A-Za-z][\w-]*$/.test(step.field) ? `.${step.field}` : `[${JSON.stringify(step.field)}]`;
  if ('index' in step) return `[${step.index}]`;
  return `[${'value' in step ? String(step.value) : Object.values(step.item).map(String).join('/')}]`;
}
