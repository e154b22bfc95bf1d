import { renderProject } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../model/repository.js';
import { NAMESPACE, platform, project, tenant } from '../shared/documents-for-tests.js';
import { charts, folderEdits, renderProjectFolder, renderTenantFolder } from './index.js';

/** A tree that holds these files. */
function treeOf(files: Readonly<Record<string, string>>): Snapshot {
  const entries = Object.entries(files);
  return {
    blobAt: (path) => (path in files ? path : undefined),
    holds: (path, content) => files[path] === content,
    files: (folder = '') =>
      entries.filter(([path]) => path.startsWith(`${folder}/`)).map(([path]) => ({ path, blob: path })),
  };
}

const rendered = (files: Readonly<Record<string, string>>) => ({
  folder: 'a/b',
  files: new Map(Object.entries(files)),
});

describe('what a folder needs', () => {
  it('is what is new, what is different, and without what is gone; other folders are no concern', () => {
    const tree = treeOf({ 'a/b/same': '1', 'a/b/other': '2', 'a/b/gone': '3', 'a/bc/x': '4', 'a/c': '5' });
    expect(folderEdits(rendered({ same: '1', other: 'changed', new: '6' }), tree)).toEqual([
      { path: 'a/b/other', content: 'changed' },
      { path: 'a/b/new', content: '6' },
      { path: 'a/b/gone', content: null },
    ]);
  });

  it('is nothing where it is so already', () => {
    expect(folderEdits(rendered({ x: '1' }), treeOf({ 'a/b/x': '1' }))).toEqual([]);
    expect(folderEdits(rendered({}), treeOf({}))).toEqual([]);
  });

  it('is to be empty where nothing is rendered', () => {
    expect(folderEdits(rendered({}), treeOf({ 'a/b/x': '1' }))).toEqual([{ path: 'a/b/x', content: null }]);
  });
});

describe('rendering a document', () => {
  const version = 'a'.repeat(40);

  it('is the charts’ files in the project’s folder, the same each time', () => {
    const document = project('my-blog');
    const render = () => renderProjectFolder(charts, platform, { document, version });
    expect(render()).toEqual({
      folders: [
        {
          folder: `tenants/ab/${NAMESPACE}/my-blog`,
          files: renderProject({ platform, project: document, intent: version }),
        },
        { folder: `platform/projects/ab/${NAMESPACE}/my-blog`, files: new Map() },
      ],
    });
    expect(render()).toEqual(render());
  });

  it('of a tenant goes where only operators may write', () => {
    const rendering = renderTenantFolder(charts, platform, { document: tenant, version });
    expect(rendering).toMatchObject({ folders: [{ folder: `platform/tenants/ab/${NAMESPACE}` }] });
  });

  it('that does not fit the platform says why', () => {
    const spec = project('my-blog').spec;
    const document = project('my-blog', { sandbox: { ...spec.sandbox, preset: 'huge' } });
    const rendering = renderProjectFolder(charts, platform, { document, version });
    expect(rendering).toEqual({ problem: expect.stringContaining('huge') as string });
  });
});
