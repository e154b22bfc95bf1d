import { date, list, record, text, type Json } from '../shared/json.js';
import { follow, type Path, type Step } from './field-path.js';

/** One entry of `metadata.managedFields`, apart from those about status. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: string;
  readonly at?: Date;
  readonly fields: Json;
}

export function ownersOf(object: Json): readonly FieldOwner[] {
  const owners = list(object, 'metadata', 'managedFields').flatMap((entry) => {
    if (text(entry, 'subresource') === 'status') return [];
    const at = date(entry, 'time');
    return [
      {
        manager: text(entry, 'manager') ?? 'unknown',
        operation: text(entry, 'operation') ?? 'Update',
        fields: record(record(entry)['fieldsV1']),
        ...(at === undefined ? {} : { at }),
      },
    ];
  });
  return owners.sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0));
}

/** Its own field, or one of a part of the object that it owns as a whole. */
export function owns({ fields }: FieldOwner, path: Path, object: unknown): boolean {
  let node: Json | undefined = fields;
  let value = object;
  for (const [depth, step] of path.entries()) {
    if (depth > 0 && isLeaf(node)) return true;
    node = childOf(node, step, value);
    if (node === undefined) return false;
    value = follow(value, step);
  }
  return true;
}

const childrenOf = (node: Json): readonly string[] => Object.keys(node).filter((key) => key !== '.');
const isLeaf = (node: Json): boolean => childrenOf(node).length === 0;

function childOf(node: Json, step: Step, value: unknown): Json | undefined {
  const key = childrenOf(node).find((candidate) => isSame(stepOf(candidate), step, value));
  return key === undefined ? undefined : record(node[key]);
}

/** An item may be told apart by other fields than ours (a port by its number): it is the one that both lead to. */
function isSame(own: Step | undefined, step: Step, value: unknown): boolean {
  if (own === undefined) return false;
  if ('field' in own || 'field' in step) return 'field' in own && 'field' in step && own.field === step.field;
  const item = follow(value, own);
  return item !== undefined && item === follow(value, step);
}

/** `f:spec`, `k:{"name":"sandbox"}`, `v:"a"`, `i:0`; undefined for what a later Kubernetes may add. */
function stepOf(key: string): Step | undefined {
  const rest = key.slice(2);
  if (key.startsWith('f:')) return { field: rest };
  const parsed = parsedOr(rest);
  if (key.startsWith('k:')) return { item: record(parsed) };
  if (key.startsWith('v:')) return { value: parsed };
  return key.startsWith('i:') && typeof parsed === 'number' ? { index: parsed } : undefined;
}

function parsedOr(source: string): unknown {
  try {
    return JSON.parse(source) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Where a manager owns something that `rendered` does not have and `live` does: the shortest path to each, and never
 * two of which one is a part of the other.
 */
export function additionsOf(owner: FieldOwner, pair: Pair): readonly Path[] {
  return additions(owner.fields, pair, []);
}

export interface Pair {
  readonly rendered: unknown;
  readonly live: unknown;
}

function additions(node: Json, pair: Pair, path: Path): readonly Path[] {
  if (isLeaf(node)) return extraFields(pair, path);
  return childrenOf(node).flatMap((key) => {
    const step = stepOf(key);
    if (step === undefined) return [];
    const next = { rendered: follow(pair.rendered, step), live: follow(pair.live, step) };
    if (next.live === undefined) return [];
    if (next.rendered === undefined) return [[...path, step]];
    return additions(record(node[key]), next, [...path, step]);
  });
}

/** Of a map that is owned as a whole (a selector); lists are compared item by item elsewhere. */
const extraFields = ({ rendered, live }: Pair, path: Path): readonly Path[] =>
  Object.keys(record(live))
    .filter((field) => record(rendered)[field] === undefined)
    .map((field) => [...path, { field }]);
