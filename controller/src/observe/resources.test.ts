import { expect, test } from 'vitest';
import type { ObservedApplier } from '../model/facts.js';
import { at, text, type Json } from '../shared/json.js';
import { ProjectIndex } from './index-by-project.js';
import { watchedResources, type ApplierReaders, type WatchedResource } from './resources.js';

const NAMESPACE = 'ns-abcd1234';
const blog = { namespace: NAMESPACE, name: 'blog' };

/** Tells which object was read by the message of a failure. */
const read = (object: Json): ObservedApplier => ({
  current: true,
  failure: { kind: 'apply', message: text(object, 'metadata', 'name') ?? '' },
});

const appliers = (readers: ApplierReaders): readonly WatchedResource[] =>
  watchedResources(readers).filter(({ path }) => /kustomize|argoproj/.test(path));

const application = (name: string, path: string, namespace = NAMESPACE): Json => ({
  metadata: { name, namespace: 'argocd' },
  spec: { source: { path }, destination: { namespace } },
});

const told = (index: ProjectIndex): unknown => at(index.observed(blog).applier, 'failure', 'message');

function only(resources: readonly WatchedResource[]): WatchedResource {
  const [resource] = resources;
  if (resource === undefined || resources.length > 1) throw new Error('one applier was expected');
  return resource;
}

test('an applier that was chosen must be there; of two, one may be missing', () => {
  expect(appliers({ flux: read }).map(({ optional }) => optional)).toEqual([undefined]);
  expect(appliers({ argocd: read }).map(({ optional }) => optional)).toEqual([undefined]);
  expect(appliers({ flux: read, argocd: read }).map(({ optional }) => optional)).toEqual([true, true]);
});

test('an Application tells about the project whose folder it applies', () => {
  const resource = only(appliers({ argocd: read }));
  const index = new ProjectIndex();
  const object = application('ns-abcd1234-blog', `tenants/ab/${NAMESPACE}/blog`);
  expect(index.put(resource, object)).toEqual(blog);
  expect(told(index)).toBe('ns-abcd1234-blog');
  expect(index.remove(resource.kind, 'argocd/ns-abcd1234-blog')).toEqual(blog);
  expect(told(index)).toBeUndefined();
});

test.each([
  ['a tenant', `platform/tenants/ab/${NAMESPACE}`, NAMESPACE],
  ['one file of it', `tenants/ab/${NAMESPACE}/blog/x`, NAMESPACE],
  ['another namespace', `tenants/ab/${NAMESPACE}/blog`, 'ns-wxyz9876'],
])('an Application of %s tells about no project', (_, path, namespace) => {
  const resource = only(appliers({ argocd: read }));
  expect(new ProjectIndex().put(resource, application('other', path, namespace))).toBeUndefined();
});

test('of two Applications of one folder always the same one tells', () => {
  const resource = only(appliers({ argocd: read }));
  const objects = ['b', 'a'].map((name) => application(name, `tenants/ab/${NAMESPACE}/blog`));
  for (const order of [objects, [...objects].reverse()]) {
    const index = new ProjectIndex();
    for (const object of order) index.put(resource, object);
    expect(told(index)).toBe('a');
  }
});
