import { isDeepStrictEqual } from 'node:util';
import type { FieldConflict } from '../../model/conflict.js';

export interface Sides<T = unknown> {
  readonly base: T;
  readonly ours: T;
  readonly theirs: T;
}

export interface Merged<T = unknown> {
  readonly value: T;
  readonly conflicts: readonly FieldConflict[];
}

/** How the entries of a list are told apart, by the list's field; any list that is not named is one value. */
export type KeyedLists = Readonly<
  Record<string, { readonly key: string; readonly entries: 'fields' | 'whole' }>
>;

interface At {
  readonly lists: KeyedLists;
  /** Fields that are one value, though they have fields themselves. */
  readonly whole: ReadonlySet<string>;
  readonly field: string;
}

/**
 * Three-way merge, field by field: what one side changed is taken, and what both changed the same way. Where they
 * changed a field differently ours stands, and it is a conflict.
 */
export function mergeValues(sides: Sides, { lists, whole, field }: At): Merged {
  const { base, ours, theirs } = sides;
  if (isDeepStrictEqual(ours, theirs) || isDeepStrictEqual(base, theirs))
    return { value: ours, conflicts: [] };
  if (isDeepStrictEqual(base, ours)) return { value: theirs, conflicts: [] };
  if (lists[field] !== undefined && isList(ours) && isList(theirs))
    return mergeLists(sides, { lists, whole, field });
  if (haveFields(sides) && !whole.has(field)) return mergeRecords(sides, { lists, whole, field });
  return { value: ours, conflicts: [{ field, base, ours, theirs }] };
}

type Fields = Readonly<Record<string, unknown>>;

const isList = (value: unknown): value is readonly Fields[] => Array.isArray(value);
const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const haveFields = (sides: Sides): sides is Sides<Fields> =>
  isRecord(sides.base) && isRecord(sides.ours) && isRecord(sides.theirs);

function mergeRecords({ base, ours, theirs }: Sides<Fields>, { lists, whole, field }: At): Merged {
  const names = mergedOrder({
    base: Object.keys(base),
    ours: Object.keys(ours),
    theirs: Object.keys(theirs),
  });
  const merged = names.map((name) => ({
    name,
    ...mergeValues(
      { base: own(base, name), ours: own(ours, name), theirs: own(theirs, name) },
      { lists, whole, field: field === '' ? name : `${field}.${name}` },
    ),
  }));
  const there = merged.filter(({ value }) => value !== undefined);
  return {
    value: Object.fromEntries(there.map(({ name, value }) => [name, value])),
    conflicts: merged.flatMap(({ conflicts }) => conflicts),
  };
}

/** A field called like something every object has (`constructor`) is there only where the document says it. */
const own = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

function mergeLists(sides: Sides, { lists, whole, field }: At): Merged {
  const { key, entries } = lists[field] ?? { key: '', entries: 'whole' };
  const [base, ours, theirs] = [keyed(sides.base, key), keyed(sides.ours, key), keyed(sides.theirs, key)];
  const names = mergedOrder({ base: [...base.keys()], ours: [...ours.keys()], theirs: [...theirs.keys()] });
  const merged = names.map((name) => {
    const at = { lists, whole, field: `${field}.${name}` };
    const entry = { base: base.get(name), ours: ours.get(name), theirs: theirs.get(name) };
    // Merging the fields of such an entry could make one that neither side wrote.
    return entries === 'fields' ? mergeValues(entry, at) : mergeWhole(entry, at.field);
  });
  return {
    value: merged.map(({ value }) => value).filter((value) => value !== undefined),
    conflicts: merged.flatMap(({ conflicts }) => conflicts),
  };
}

const keyed = (list: unknown, key: string): ReadonlyMap<string, Fields> =>
  new Map((isList(list) ? list : []).map((entry) => [String(entry[key]), entry]));

/** One value, whatever it is made of. */
export function mergeWhole(sides: Sides, field: string): Merged {
  const { base, ours, theirs } = sides;
  if (isDeepStrictEqual(ours, theirs) || isDeepStrictEqual(base, theirs))
    return { value: ours, conflicts: [] };
  if (isDeepStrictEqual(base, ours)) return { value: theirs, conflicts: [] };
  return { value: ours, conflicts: [{ field, ...sides }] };
}

/**
 * The names of both sides. Where we left the order alone it is theirs, else ours; what the other side alone has comes
 * right after what it followed there.
 */
function mergedOrder({ base, ours, theirs }: Sides<readonly string[]>): readonly string[] {
  const [first, second] = sameOrder(base, ours) ? [theirs, ours] : [ours, theirs];
  const order = [...first];
  const placed = new Set(first);
  second.forEach((name, index) => {
    if (placed.has(name)) return;
    const before = second[index - 1];
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, name);
    placed.add(name);
  });
  return order;
}

function sameOrder(before: readonly string[], after: readonly string[]): boolean {
  const still = new Set(after);
  const known = new Set(before);
  return isDeepStrictEqual(
    before.filter((name) => still.has(name)),
    after.filter((name) => known.has(name)),
  );
}
