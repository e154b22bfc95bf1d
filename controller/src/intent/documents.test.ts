import { projectPath, tenantPath, writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, platform, platformText, project, tenant } from '../shared/documents-for-tests.js';
import { storedDocument } from './documents.js';

const blob = 'a'.repeat(40);
const path = projectPath(NAMESPACE, 'my-blog');
const text = writeDocument(project('my-blog'));
const at = (where: string, what: string): ReturnType<typeof storedDocument> =>
  storedDocument({ path: where, blob, text: what });

describe('a file of main', () => {
  it.each([
    { path: 'platform.yaml', text: platformText, kind: 'Platform', document: platform },
    { path: tenantPath(NAMESPACE), text: writeDocument(tenant), kind: 'Tenant', document: tenant },
    { path, text, kind: 'Project', document: project('my-blog') },
  ])('$path is the $kind that its path says', (one) => {
    const { kind, document } = one;
    expect(at(one.path, one.text)).toEqual({ kind, path: one.path, version: blob, document });
  });

  it.each([
    'README.md',
    'tenants/ab/notes.yaml',
    `tenants/zz/${NAMESPACE}/tenant.yaml`,
    `x/${path}`,
    'platform.yml',
  ])('%s is none of ours', (where) => {
    expect(at(where, text)).toBeUndefined();
  });

  it.each([
    ['no YAML', 'a: [', /not a YAML document/],
    ['two documents', `${text}---\n${text}`, /not a YAML document/],
    ['nothing', '', /./],
    ['a list', '- a\n', /./],
    ['a document of another kind', writeDocument(tenant), /kind/],
    ['a field that is not known', text.replace('host:', 'hots:'), /hots/],
    ['aliases', 'a: &a [1]\nb: *a\n', /not a YAML document/],
    [
      'another project’s document',
      writeDocument(project('other')),
      /The path says ns-ab3cd4ef\/my-blog, the document says ns-ab3cd4ef\/other/,
    ],
    ['a later version', text.replace('v1alpha1', 'v9'), /apiVersion/],
  ])('that holds %s is unreadable, and says why', (_what, what, message) => {
    expect(at(path, what)).toMatchObject({
      kind: 'Unreadable',
      path,
      version: blob,
      ref: { kind: 'Project', namespace: NAMESPACE, name: 'my-blog' },
      message: expect.stringMatching(message) as string,
    });
  });

  it('of a tenant names the namespace it was meant for', () => {
    expect(at(tenantPath('ns-zzzzzzzz'), writeDocument(tenant))).toMatchObject({
      kind: 'Unreadable',
      message: `metadata: The path says ns-zzzzzzzz, the document says ${NAMESPACE}.`,
    });
  });
});
