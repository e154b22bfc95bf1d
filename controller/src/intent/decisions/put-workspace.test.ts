import type { Workspace } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { project } from '../../shared/documents-for-tests.js';
import { putWorkspace } from './put-workspace.js';
import { key, viewOf, written } from './view-for-tests.js';

const repository = { url: 'https://github.com/team/blog.git', branch: 'main' };
const blog = project('my-blog', { workspace: { repository, systemPrompt: 'Use tabs.' } });
const put = (workspace: Workspace, document = blog, base?: Parameters<typeof putWorkspace>[2]['base']) =>
  putWorkspace(viewOf([document]), key('my-blog'), { input: { workspace }, base });

describe('what a workspace begins with', () => {
  it('is replaced as a whole, and nothing else is', () => {
    const workspace = { git: { name: 'Ada', email: 'ada@example.com' } };
    expect(written(put(workspace)).spec).toEqual({ ...blog.spec, workspace });
  });

  it('is not there where nothing is said', () => {
    for (const nothing of [{}, { git: {} }])
      expect(written(put(nothing)).spec).not.toHaveProperty('workspace');
    expect(put({}, project('my-blog'))).toEqual([]);
  });

  it('has plain line ends, and is no change where only those differ', () => {
    expect(written(put({ systemPrompt: 'a\r\nb' })).spec.workspace).toEqual({ systemPrompt: 'a\nb' });
    expect(put({ repository, systemPrompt: 'Use tabs.' })).toEqual([]);
  });

  it('comes together with what somebody else changed meanwhile', () => {
    const base = {
      version: 'old',
      document: project('my-blog', { workspace: { systemPrompt: 'Use tabs.' } }),
    };
    const now = put({ systemPrompt: 'Use spaces.' }, blog, base);
    expect(written(now).spec.workspace).toEqual({ repository, systemPrompt: 'Use spaces.' });
  });

  it('never puts the branch of one repository to another', () => {
    const base = { version: 'old', document: blog };
    const standing = project('my-blog', {
      workspace: { ...blog.spec.workspace, repository: { ...repository, branch: 'next' } },
    });
    expect(() =>
      put({ repository: { ...repository, url: 'https://github.com/other/x' } }, standing, base),
    ).toThrow(
      expect.objectContaining({
        code: 'STALE_VERSION',
        conflict: expect.objectContaining({
          fields: expect.arrayContaining([
            expect.objectContaining({ field: 'workspace.repository' }),
          ]) as unknown,
        }) as unknown,
      }),
    );
  });

  it.each([
    ['ACTION_NOT_ALLOWED', project('my-blog', { state: 'Deleted', deletedAt: '2026-11-01T00:00:00Z' })],
    ['NOT_FOUND', project('other')],
  ] as const)('is refused with %s', (code, document) => {
    expect(() => put({ systemPrompt: 'x' }, document)).toThrow(expect.objectContaining({ code }));
  });

  it('is checked as the document is', () => {
    expect(() => put({ repository: { url: 'https://a:b@c/d' } })).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        errors: [expect.objectContaining({ field: 'workspace.repository.url' }) as unknown],
      }),
    );
  });
});
