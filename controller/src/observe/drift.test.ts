import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromYaml } from '@fullstackagent/charts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KubeError } from '../shared/kube-api.js';
import { record, type Json } from '../shared/json.js';
import { COMPARED, readDrift } from './drift-reader.js';
import { driftOf } from './drift.js';

/** What a real API server writes into managed fields is tried in test/real-cluster/drift.test.ts. */

const GOLDEN = join(import.meta.dirname, '..', '..', '..', 'charts-src', 'golden');
const manifests: readonly string[] = readdirSync(GOLDEN, { recursive: true, encoding: 'utf8' })
  // These are in platform/, which is the operators' and is not compared.
  .filter(
    (file) =>
      /\/rendered\/(?!kustomization-|networkpolicy-)[^/]+\.yaml$/.test(file) && !file.startsWith('tenant'),
  )
  .map((file) => readFileSync(join(GOLDEN, file), 'utf8'));
const objects: readonly Json[] = manifests.map((text) => record(fromYaml(text)));

interface Owner {
  readonly manager: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fields: object;
}

const managed = (...owners: readonly Owner[]): object => ({
  managedFields: owners.map(({ manager, operation = 'Update', fields, ...rest }) => ({
    manager,
    operation,
    fieldsV1: fields,
    ...rest,
  })),
});

const rendered: Json = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'blog--env', namespace: 'ns-abcd1234', labels: { a: '1' } },
  data: { GREETING: 'hello' },
};
const live = (data: object, owners: readonly Owner[] = []): Json => ({
  ...rendered,
  metadata: { ...record(rendered['metadata']), uid: 'u', resourceVersion: '7', ...managed(...owners) },
  data,
});

describe('one object', () => {
  test('everything that a project renders to is as it is when it is as it is', () => {
    for (const object of objects) expect(driftOf(object, structuredClone(object))).toBeUndefined();
  });

  test('a value that changed, by the last who owns it first', () => {
    const fields = { 'f:data': { 'f:GREETING': {} } };
    const found = driftOf(
      rendered,
      live({ GREETING: 'hi' }, [
        { manager: 'ada', fields, time: '2026-11-23T08:00:00Z' },
        { manager: 'eve', fields, time: '2026-11-23T09:00:00Z' },
        { manager: 'kustomize-controller', operation: 'Apply', fields, time: '2026-11-23T07:00:00Z' },
      ]),
    );
    expect(found).toMatchObject({ kind: 'ConfigMap', name: 'blog--env', state: 'changed' });
    expect(found?.differences).toMatchObject([
      { path: 'data.GREETING', how: 'changed', rendered: 'hello', live: 'hi' },
    ]);
    expect(found?.differences[0]?.by.map(({ manager, applier }) => [manager, applier])).toEqual([
      ['eve', false],
      ['ada', false],
      ['kustomize-controller', true],
    ]);
  });

  test('defaults, status and what the cluster itself fills in are no drift', () => {
    const fields = {
      'f:data': { 'f:FILLED': {} },
      'f:metadata': { 'f:finalizers': {}, 'f:labels': { 'f:x': {} } },
    };
    const owners: Owner[] = [
      { manager: 'kube-controller-manager', fields },
      { manager: 'eve', subresource: 'status', fields: { 'f:status': { 'f:phase': {} } } },
      { manager: 'kustomize-controller', operation: 'Apply', fields },
    ];
    expect(
      driftOf(rendered, { ...live({ GREETING: 'hello', FILLED: 'x' }, owners), status: {} }),
    ).toBeUndefined();
  });

  test('what the server does not know and drops, false as it is', () => {
    const set = (pod: object): Json => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'blog', namespace: 'ns-abcd1234' },
      spec: { template: { spec: pod } },
    });
    expect(driftOf(set({ hostUsers: false, hostNetwork: false }), set({ hostNetwork: false }))).toMatchObject(
      {
        // The portal says what this one means (webui/src/lib/status/drift.ts).
        differences: [{ path: 'spec.template.spec.hostUsers', how: 'removed', rendered: 'false', by: [] }],
      },
    );
  });

  test('what somebody else put beside it is', () => {
    const fields = {
      'f:data': { 'f:MORE': {} },
      'f:metadata': { 'f:annotations': { '.': {}, 'f:n/a': {} } },
    };
    const object = live({ GREETING: 'hello', MORE: 'x' }, [{ manager: 'eve', fields }]);
    const metadata = { ...record(object['metadata']), annotations: { 'n/a': '1' } };
    expect(
      driftOf(rendered, { ...object, metadata })?.differences.map(({ path, how }) => [path, how]),
    ).toEqual([
      ['data.MORE', 'added'],
      ['metadata.annotations["n/a"]', 'added'],
    ]);
  });

  test('a map that is owned as a whole, and an item too many in a list without keys', () => {
    const before = { kind: 'X', metadata: { name: 'x' }, spec: { selector: { a: '1' }, list: [{ v: 1 }] } };
    const after = {
      ...before,
      metadata: {
        name: 'x',
        ...managed({ manager: 'eve', fields: { 'f:spec': { 'f:selector': {}, 'f:list': {} } } }),
      },
      spec: { selector: { a: '1', b: '2' }, list: [{ v: 1 }, { v: 2 }] },
    };
    expect(
      driftOf(before, after)?.differences.map(({ path, live: now, by }) => [path, now, by[0]?.manager]),
    ).toEqual([
      ['spec.list[1]', '{"v":2}', 'eve'],
      ['spec.selector.b', '2', 'eve'],
    ]);
  });

  test('a long value is cut: nobody reads it here', () => {
    const found = driftOf(rendered, live({ GREETING: 'x'.repeat(10_000) }));
    expect(found?.differences[0]?.live).toHaveLength(300);
  });

  test('any change of any rendered leaf is found, at its place', () => {
    const leaf = fc
      .constantFrom(...objects)
      .chain((object) =>
        fc.record({ object: fc.constant(object), path: fc.constantFrom(...leavesOf(object)) }),
      );
    fc.assert(
      fc.property(leaf, ({ object, path }) => {
        const changed = structuredClone(object) as Record<string, unknown>;
        set(changed, path, 'something else');
        const found = driftOf(object, changed);
        expect(found?.differences.length ?? 0).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

type Keys = readonly (string | number)[];

/** Of the parts that are compared: all but what names the object and says which version it is of. */
function leavesOf(value: unknown, path: Keys = []): readonly Keys[] {
  if (typeof value !== 'object' || value === null) return isCompared(path) ? [path] : [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item: unknown, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, item]) => leavesOf(item, [...path, key]));
}

const isCompared = ([root, field, key]: Keys): boolean =>
  root === 'metadata'
    ? field === 'labels' || (field === 'annotations' && key !== 'fullstackagent.dev/intent')
    : root !== 'apiVersion' && root !== 'kind';

function set(object: Record<string, unknown>, path: Keys, value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) object[key] = value;
  else set(object[key] as Record<string, unknown>, rest, value);
}

const KEY = { namespace: 'ns-ajno7yq7', name: 'my-blog' };

describe('all of a project', () => {
  const answering = (answers: (path: string) => unknown): Parameters<typeof readDrift>[0] => ({
    get: (path: string): Promise<unknown> => Promise.resolve(answers(path)),
  });

  test('every kind that is rendered can be read', async () => {
    const asked: string[] = [];
    await readDrift(
      answering((path) => {
        asked.push(path);
        return {};
      }),
      KEY,
      manifests,
    );
    expect(new Set(objects.map(({ kind }) => kind))).toEqual(new Set(Object.keys(COMPARED)));
    expect(asked).toContain('/apis/apps/v1/namespaces/ns-ajno7yq7/statefulsets/my-blog');
    expect(asked).toContain('/api/v1/namespaces/ns-ajno7yq7/services/my-blog--pods');
  });

  const one = manifests.filter((text) => text.includes('kind: StatefulSet')).slice(0, 1);
  const failing = (status?: number): Parameters<typeof readDrift>[0] =>
    answering(() => {
      throw new KubeError('no', status);
    });

  test('gone, forbidden and out of reach are three things', async () => {
    expect(await readDrift(failing(404), KEY, one)).toMatchObject([
      { kind: 'StatefulSet', state: 'missing' },
    ]);
    expect(await readDrift(failing(403), KEY, one)).toMatchObject([
      { kind: 'StatefulSet', state: 'unreadable' },
    ]);
    await expect(readDrift(failing(), KEY, one)).rejects.toMatchObject({ code: 'CLUSTER_UNREACHABLE' });
  });
});

test('what is labelled as the project and not rendered is too much', async () => {
  const one = manifests.filter((text) => text.includes('kind: StatefulSet')).slice(0, 1);
  const queries: unknown[] = [];
  const api = {
    get: (path: string, query?: object): Promise<unknown> => {
      if (query === undefined) return Promise.resolve(fromYaml(one[0] ?? ''));
      queries.push(query);
      const names = path.endsWith('/statefulsets') ? ['my-blog', 'my-blog-old'] : [];
      return Promise.resolve({ items: names.map((name) => ({ metadata: { name } })) });
    },
  };
  expect(await readDrift(api, KEY, one)).toEqual([
    { kind: 'StatefulSet', name: 'my-blog-old', state: 'extra', differences: [] },
  ]);
  expect(queries[0]).toEqual({
    labelSelector: 'fullstackagent.dev/project=my-blog,app.kubernetes.io/managed-by=fullstackagent',
  });
});

test('the tenant role lets the controller read what it compares, and no list of it', () => {
  const file = join(GOLDEN, 'tenant', 'rendered', 'role-fullstackagent-controller.yaml');
  const rules = record(fromYaml(readFileSync(file, 'utf8')))['rules'] as {
    resources: string[];
    verbs: string[];
  }[];
  const readable = rules.filter(({ verbs }) => verbs.includes('get')).flatMap(({ resources }) => resources);
  expect(readable).toEqual(expect.arrayContaining(Object.values(COMPARED)));
  const listed = rules.filter(({ verbs }) => verbs.includes('list')).flatMap(({ resources }) => resources);
  expect(listed).not.toContain('configmaps');
});
