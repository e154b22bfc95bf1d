import { describe, expect, it } from 'vitest';
import { goldenObjects, type GoldenObject } from './testing/golden-objects.js';
import { absent, SERVER_DEFAULTS, THE_SERVERS_OWN } from './testing/server-defaults.js';

const golden = goldenObjects();

const defaultsOf = ({ kind, apiVersion }: GoldenObject): readonly string[] | undefined =>
  SERVER_DEFAULTS[kind] ?? SERVER_DEFAULTS[`${kind} ${apiVersion}`];

/** A second apply changes nothing: neither does the server add to what was written, nor does it write it otherwise. */
describe('what an API server would fill in is written out', () => {
  it.each(Object.keys(SERVER_DEFAULTS))('%s', (key) => {
    const objects = golden.filter(({ object }) => defaultsOf(object) === SERVER_DEFAULTS[key]);
    expect(objects.length, 'examples of this kind').toBeGreaterThan(0);
    const missing = objects.flatMap(({ where, object }) =>
      (SERVER_DEFAULTS[key] ?? []).flatMap((path) => absent(object, path).map((at) => `${where}: ${at}`)),
    );
    expect(missing).toEqual([]);
  });

  it('and no kind is rendered whose defaults nobody looked up', () => {
    const unknown = golden.filter(({ object }) => defaultsOf(object) === undefined);
    expect(unknown.map(({ where }) => where)).toEqual([]);
  });

  it('and the check itself sees what is missing, wherever it is', () => {
    const object = { spec: { ports: [{ protocol: 'TCP' }, { port: 1 }], type: 'ClusterIP' } };
    expect(absent(object, 'spec.ports[].protocol')).toEqual(['spec.ports[1].protocol']);
    expect(absent(object, 'spec.sessionAffinity')).toEqual(['spec.sessionAffinity']);
    expect(absent(object, 'spec.template.spec.dnsPolicy')).toEqual([]);
  });
});

describe('what only the cluster can know is left to it', () => {
  it.each(Object.entries(THE_SERVERS_OWN))('%s', (kind, paths) => {
    const objects = golden.filter(({ object }) => object.kind === kind);
    expect(objects.length).toBeGreaterThan(0);
    for (const { where, object } of objects)
      for (const path of paths) expect(absent(object, path), where).toEqual([path]);
  });

  it('an address is asked for only where there must be none', () => {
    const addresses = golden
      .filter(({ object }) => object.kind === 'Service')
      .map(({ object }) => (object['spec'] as { clusterIP?: string }).clusterIP);
    expect(new Set(addresses)).toEqual(new Set([undefined, 'None']));
  });
});

/** In any other form the server writes it back differently, and an applier sees a difference for ever. */
describe('quantities are in the form that the server writes back', () => {
  const CANONICAL = /^(?:0|[1-9]\d*)(?:m|Mi|Gi|Ti)?$/;

  it('whole, in the largest unit, and text', () => {
    for (const { where, object } of golden)
      for (const quantity of quantities(object)) {
        expect(quantity, where).toMatch(CANONICAL);
        expect(quantity, where).not.toMatch(/000m$/);
        const [, number = '', unit] = /^(\d+)(\D*)$/.exec(quantity) ?? [];
        if (unit === 'Mi' || unit === 'Gi')
          expect(Number(number) % 1024, `${where}: ${quantity}`).not.toBe(0);
      }
  });
});

const QUANTITY_MAPS = new Set(['limits', 'requests', 'hard', 'default', 'defaultRequest']);

function quantities(value: unknown, key = ''): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item) => quantities(item));
  if (typeof value !== 'object' || value === null)
    return key === 'storage' || key === 'sizeLimit' ? [String(value)] : [];
  const fields = Object.entries(value);
  if (QUANTITY_MAPS.has(key)) return fields.map(([, quantity]) => quantity as string);
  return fields.flatMap(([name, item]) => quantities(item, name));
}
