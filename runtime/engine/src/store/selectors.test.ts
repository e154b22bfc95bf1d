import { describe, expect, it } from 'vitest';
import type { KubeObject } from './object.js';
import { fieldSelector, labelSelector, SelectorError } from './selectors.js';

const pod: KubeObject = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'blog-0',
    namespace: 'ns-a',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '',
    labels: { app: 'blog', 'example.com/tier': 'web' },
  },
  spec: { nodeName: 'local' },
  status: { phase: 'Running' },
};

describe('labelSelector', () => {
  it.each([
    ['', true],
    ['app=blog', true],
    ['app==blog', true],
    ['app=shop', false],
    ['app!=shop', true],
    ['none!=x', true],
    ['app', true],
    ['!app', false],
    ['!none', true],
    ['app in (shop, blog)', true],
    ['app notin (shop,blog)', false],
    ['none notin (x)', true],
    ['example.com/tier=web,app in (blog)', true],
    ['example.com/tier=web,app in (shop)', false],
  ])('%j -> %j', (source, expected) => {
    expect(labelSelector(source)(pod)).toBe(expected);
  });

  it('refuses what is none', () => {
    expect(() => labelSelector('a b c')).toThrow(SelectorError);
  });
});

describe('fieldSelector', () => {
  it.each([
    ['', true],
    ['metadata.name=blog-0', true],
    ['metadata.name!=blog-0', false],
    ['metadata.namespace=ns-a,status.phase=Running,spec.nodeName=local', true],
    ['status.phase=Pending', false],
  ])('%j -> %j', (source, expected) => {
    expect(fieldSelector(source)(pod)).toBe(expected);
  });

  it('refuses a field that cannot be selected by, instead of selecting everything', () => {
    expect(() => fieldSelector('spec.secret=1')).toThrow(SelectorError);
  });
});
