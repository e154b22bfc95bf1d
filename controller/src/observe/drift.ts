import { ANNOTATIONS } from '@fullstackagent/charts';
import type { DriftDifferenceDto, DriftedObjectDto, FieldManagerDto } from '../contract/drift.js';
import { record, text, type Json } from '../shared/json.js';
import { additionsOf, owns, ownersOf, type FieldOwner, type Pair } from './field-owners.js';
import { follow, itemStep, keysOf, textOf, type Path } from './field-path.js';

/** What Flux, Argo CD and the local engine call themselves. */
const APPLIERS: ReadonlySet<string> = new Set([
  'kustomize-controller',
  'argocd-controller',
  'argocd-application-controller',
  'fullstackagent-engine',
]);

/** Fill in what they are asked to fill in: a volume's name, a revision, the replicas that an autoscaler chose. */
const CLUSTER: ReadonlySet<string> = new Set([
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
]);
/** Operators whose own kind it is. */
const OPERATORS: Readonly<Record<string, string>> = { Cluster: 'manager', SealedSecret: 'controller' };

/** Notes of a client to itself. */
const NOTES: ReadonlySet<string> = new Set(['kubectl.kubernetes.io/last-applied-configuration']);
/** What an applier may own; status and the server's own metadata are nobody's drift. */
const METADATA: readonly string[] = ['labels', 'annotations'];

interface Difference {
  readonly path: Path;
  readonly rendered?: unknown;
  readonly live?: unknown;
}

/** What is not as rendered in one object; undefined where everything is. `live` is undefined where there is none. */
export function driftOf(rendered: Json, live: Json | undefined): DriftedObjectDto | undefined {
  const object = {
    kind: text(rendered, 'kind') ?? '',
    name: text(rendered, 'metadata', 'name') ?? '',
  };
  if (live === undefined) return { ...object, state: 'missing', differences: [] };
  const intent = (of: Json): string | undefined => text(of, 'metadata', 'annotations', ANNOTATIONS.intent);
  const isBehind = intent(live) !== undefined && intent(live) !== intent(rendered);
  const owners = ownersOf(live);
  const pair = { rendered: comparable(rendered), live: comparable(live) };
  const found = [...changes(pair, []), ...added(owners, object.kind, pair)].map((difference) =>
    described(difference, owners, pair.live),
  );
  const differences = found.filter((difference) => !isBehind || isBySomebodyElse(difference));
  if (differences.length === 0 && !isBehind) return undefined;
  return { ...object, state: isBehind ? 'behind' : 'changed', differences };
}

const isBySomebodyElse = ({ by }: DriftDifferenceDto): boolean => by.some(({ applier }) => !applier);

/** Without what no applier writes. */
function comparable(object: Json): Json {
  const rest = Object.entries(object).filter(
    ([key]) => !['apiVersion', 'kind', 'metadata', 'status'].includes(key),
  );
  const metadata = METADATA.flatMap((field) => {
    const value = record(record(object['metadata'])[field]);
    return [[field, Object.fromEntries(Object.entries(value).filter(([key]) => !NOTES.has(key)))]];
  });
  return { ...Object.fromEntries(rest), metadata: Object.fromEntries(metadata) as Json };
}

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0);

/** Of everything that is rendered: what has another value on the cluster, or none. */
function changes({ rendered, live }: Pair, path: Path): readonly Difference[] {
  if (isEmpty(rendered)) return [];
  if (live === undefined || live === null) return [{ path, rendered }];
  if (Array.isArray(rendered) && Array.isArray(live)) return changedItems(rendered, live, path);
  if (isMap(rendered) && isMap(live))
    return Object.keys(rendered).flatMap((field) =>
      changes({ rendered: rendered[field], live: live[field] }, [...path, { field }]),
    );
  return isSame(rendered, live) ? [] : [{ path, rendered, live }];
}

const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `5` and `"5"` are one value where both are allowed (ports, quantities). */
const isSame = (a: unknown, b: unknown): boolean => {
  const values = [a, b].map((value) => (typeof value === 'number' ? `${value}` : value));
  return values[0] === values[1];
};

function changedItems(
  rendered: readonly unknown[],
  live: readonly unknown[],
  path: Path,
): readonly Difference[] {
  const keys = keysOf(rendered, live);
  if (keys !== undefined)
    return rendered.flatMap((item) => {
      const step = itemStep(item, keys);
      return changes({ rendered: item, live: follow(live, step) }, [...path, step]);
    });
  // Without keys a list is one value, and what is too many in it is a change of it.
  const extra = live.slice(rendered.length).map((item, index) => ({
    path: [...path, { index: rendered.length + index }],
    live: item,
  }));
  return [
    ...rendered.flatMap((item, index) =>
      changes({ rendered: item, live: live[index] }, [...path, { index }]),
    ),
    ...extra,
  ];
}

/** What somebody put there beside what is rendered; nobody's additions are the server's defaults. */
function added(owners: readonly FieldOwner[], kind: string, pair: Pair): readonly Difference[] {
  const paths = owners
    .filter(({ manager }) => !APPLIERS.has(manager) && !CLUSTER.has(manager) && OPERATORS[kind] !== manager)
    .flatMap((owner) => additionsOf(owner, pair));
  const byText = new Map(paths.map((path) => [textOf(path), path]));
  return [...byText.values()].map((path) => ({
    path,
    live: path.reduce<unknown>((value, step) => follow(value, step), pair.live),
  }));
}

function described(
  { path, rendered, live }: Difference,
  owners: readonly FieldOwner[],
  object: Json,
): DriftDifferenceDto {
  return {
    path: textOf(path),
    how: howOf(rendered, live),
    ...(rendered === undefined ? {} : { rendered: shown(rendered) }),
    ...(live === undefined ? {} : { live: shown(live) }),
    by: live === undefined ? [] : owners.filter((owner) => owns(owner, path, object)).map(managerDto),
  };
}

function howOf(rendered: unknown, live: unknown): DriftDifferenceDto['how'] {
  if (live === undefined) return 'removed';
  return rendered === undefined ? 'added' : 'changed';
}

const SHOWN = 300;

function shown(value: unknown): string {
  const whole = typeof value === 'string' ? value : JSON.stringify(value);
  return whole.length <= SHOWN ? whole : `${whole.slice(0, SHOWN - 1)}…`;
}

const managerDto = ({ manager, operation, at }: FieldOwner): FieldManagerDto => ({
  manager,
  operation,
  applier: APPLIERS.has(manager),
  ...(at === undefined ? {} : { at: at.toISOString().replace(/\.\d{3}Z$/, 'Z') }),
});
