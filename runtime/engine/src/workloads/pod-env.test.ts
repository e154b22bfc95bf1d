import { describe, expect, it } from 'vitest';
import { containerEnvironment, expand, MissingReferenceError, translate, type Lookup } from './pod-env.js';

const objects = new Map([
  ['Secret/db', new Map([['password', 'p$(A)$$w']])],
  ['ConfigMap/env', new Map([['GREETING', 'hello $(HOME)\n']])],
]);
const lookup: Lookup = (kind, name) => objects.get(`${kind}/${name}`);

describe('containerEnvironment', () => {
  it('takes envFrom, then env in order, and expands only what stands before', () => {
    const variables = containerEnvironment(
      {
        envFrom: [{ configMapRef: { name: 'env' } }, { secretRef: { name: 'none', optional: true } }],
        env: [
          { name: 'EARLY', value: '$(PASSWORD)' },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
          { name: 'URL', value: 'pg://u:$(PASSWORD)@h' },
          { name: 'MAYBE', valueFrom: { configMapKeyRef: { name: 'env', key: 'none', optional: true } } },
        ],
      },
      lookup,
    );
    expect(Object.fromEntries(variables)).toEqual({
      GREETING: 'hello $(HOME)\n',
      EARLY: '$(PASSWORD)',
      PASSWORD: 'p$(A)$$w',
      // A value that comes from a secret is not expanded again.
      URL: 'pg://u:p$(A)$$w@h',
    });
  });

  it.each([
    [{ envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
    [
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'db', key: 'user' } } }] },
      'secret "db" has no key "user" yet',
    ],
  ])('waits for what is not there', (container, message) => {
    expect(() => containerEnvironment(container, lookup)).toThrow(new MissingReferenceError(message));
  });
});

describe('expand', () => {
  it.each([
    ['$(A)', '1'],
    ['$$(A)', '$(A)'],
    ['$(B)', '$(B)'],
    ['$A $ $(', '$A $ $('],
  ])('%j -> %j', (source, expected) => {
    expect(expand(source, new Map([['A', '1']]))).toBe(expected);
  });
});

describe('translate', () => {
  const translation = {
    ports: new Map([[3000, 20_001]]),
    mounts: new Map([['/workspace', '/home/u/volumes/w']]),
    service: (service: string, port: number) =>
      service === 'blog--db' && port === 5432 ? 20_000 : undefined,
    namespace: 'ns-a',
  };

  it.each([
    ['PORT', '3000', '20001'],
    ['PORT', '3001', '3001'],
    ['OTHER', '3000', '3000'],
    ['DIR', '/workspace', '/home/u/volumes/w'],
    ['DIR', '/workspace/sub', '/home/u/volumes/w/sub'],
    ['DIR', '/workspaces', '/workspaces'],
    ['URL', 'pg://u:p@blog--db.ns-a.svc.cluster.local:5432/x', 'pg://u:p@127.0.0.1:20000/x'],
    ['URL', 'pg://blog--db.ns-b.svc.cluster.local:5432', 'pg://blog--db.ns-b.svc.cluster.local:5432'],
  ])('%s=%s -> %s', (name, value, expected) => {
    expect(translate(new Map([[name, value]]), translation).get(name)).toBe(expected);
  });
});
