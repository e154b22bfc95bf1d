import { describe, expect, it } from 'vitest';
import type { PatchProjectInput, PutEnvironmentInput } from '../../contract/projects.js';
import { NAMESPACE, OWNER, project, SEALED_TEXT, tenant } from '../../shared/documents-for-tests.js';
import { unseal } from '../../shared/sealing-key-for-tests.js';
import { seal } from '../sealing.js';
import { createTenant } from './create-tenant.js';
import { patchProject } from './patch-project.js';
import { putEnvironment } from './put-environment.js';
import { key, viewOf, written } from './view-for-tests.js';

const deleted = { state: 'Deleted', deletedAt: '2026-11-01T00:00:00Z' } as const;
const database = { engine: 'postgresql', version: '16', storage: '50Gi', preset: 'small' } as const;

describe('changing a project', () => {
  const blog = project('my-blog', { description: 'Old' });
  const patch = (input: PatchProjectInput, document = blog): ReturnType<typeof patchProject> =>
    patchProject(viewOf([document]), key('my-blog'), { input });

  it.each([
    [{ displayName: ' New ' }, { ...blog.spec, displayName: 'New' }],
    [{ description: 'New' }, { ...blog.spec, description: 'New' }],
    [{ preset: 'large' }, { ...blog.spec, sandbox: { ...blog.spec.sandbox, preset: 'large' } }],
    [{ agent: 'none' }, { ...blog.spec, terminal: { ...blog.spec.terminal, agent: 'none' } }],
    [{ database: true }, { ...blog.spec, database: { ...database, storage: '5Gi' } }],
  ] as const)('%j changes that and nothing else', (input, spec) => {
    expect(written(patch(input)).spec).toEqual(spec);
  });

  it.each([{ description: null }, { description: '' }, { description: '  ' }])(
    '%j takes the description away',
    (input) => {
      expect(written(patch(input)).spec).not.toHaveProperty('description');
    },
  );

  it.each([{}, { displayName: 'my-blog' }, { description: 'Old' }, { preset: 'small' }])(
    '%j changes nothing',
    (input) => {
      expect(patch(input)).toEqual([]);
    },
  );

  it("gives the choice of the agent back to the platform's default", () => {
    const chosen = project('my-blog', { terminal: { ...blog.spec.terminal, agent: 'none' } });
    expect(written(patch({ agent: null }, chosen)).spec.terminal).toEqual(blog.spec.terminal);
    expect(patch({ agent: 'none' }, chosen)).toEqual([]);
    expect(patch({ agent: null })).toEqual([]);
  });

  it('leaves a database that is there as it is', () => {
    expect(patch({ database: true }, project('my-blog', { database }))).toEqual([]);
  });

  it.each([
    ['ACTION_NOT_ALLOWED', { displayName: 'X' }, project('my-blog', deleted)],
    ['VALIDATION_FAILED', { preset: 'huge' }, blog],
    ['VALIDATION_FAILED', { displayName: 'two\nlines' }, blog],
    ['NOT_FOUND', { displayName: 'X' }, project('other')],
  ] as const)('is refused with %s: %j', (code, input, document) => {
    expect(() => patch(input, document)).toThrow(expect.objectContaining({ code }));
  });
});

describe('changing the variables', () => {
  const blog = project('my-blog', {
    env: [
      { name: 'PLAIN', value: 'old' },
      { name: 'KEY', sealed: SEALED_TEXT },
    ],
  });
  type Variables = PutEnvironmentInput['variables'];
  const put = (variables: Variables, document = blog): ReturnType<ReturnType<typeof putEnvironment>> =>
    putEnvironment(seal)(viewOf([document]), key('my-blog'), { input: { variables } });

  it('keeps the ciphertext of a secret that is named without a value', () => {
    const { env } = written(put([{ name: 'KEY', secret: true, unchanged: true }])).spec;
    expect(env).toEqual([{ name: 'KEY', sealed: SEALED_TEXT }]);
  });

  it('changes nothing where everything stays', () => {
    expect(
      put([
        { name: 'PLAIN', value: 'old' },
        { name: 'KEY', secret: true, unchanged: true },
      ]),
    ).toEqual([]);
  });

  it('seals a new value, a plain one that becomes secret too; a secret that becomes plain is given anew', () => {
    const { env } = written(
      put([
        { name: 'KEY', value: 'now plain' },
        { name: 'PLAIN', value: 'now secret', secret: true },
      ]),
    ).spec;
    expect(env[0]).toEqual({ name: 'KEY', value: 'now plain' });
    const [, sealed] = env;
    expect(sealed && 'sealed' in sealed ? unseal(sealed.sealed, NAMESPACE) : '').toBe('now secret');
  });

  it('can take everything away', () => {
    expect(written(put([])).spec.env).toEqual([]);
  });

  it.each([
    ['never there', { name: 'NONE', secret: true, unchanged: true }],
    ['plain until now', { name: 'PLAIN', secret: true, unchanged: true }],
  ] as const)('refuses to keep a secret that was %s', (_what, variable) => {
    expect(() => put([{ name: 'A', value: '1' }, variable])).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        errors: [expect.objectContaining({ field: 'variables.1.value' })],
      }),
    );
  });

  it('says beside which variable something is wrong', () => {
    expect(() =>
      put([
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ]),
    ).toThrow(
      expect.objectContaining({ errors: [{ field: 'variables.1.name', message: 'A is there twice.' }] }),
    );
  });

  it('leaves a deleted project alone', () => {
    expect(() => put([], project('my-blog', deleted))).toThrow('Restore it first');
  });
});

describe('creating a tenant', () => {
  const wanted = { namespace: NAMESPACE, displayName: 'Ada', owner: OWNER };

  it('makes the one who asks its owner', () => {
    const [edit, ...others] = createTenant(viewOf([], { tenants: [] }), wanted);
    expect(others).toEqual([]);
    expect(edit?.path).toBe(`tenants/ab/${NAMESPACE}/tenant.yaml`);
    expect(edit?.content).toContain(`user: ${OWNER}`);
  });

  it('again changes nothing, also what a member would call it', () => {
    expect(createTenant(viewOf([]), { ...wanted, displayName: 'Other' })).toEqual([]);
  });

  it('does not let anybody into a namespace of somebody else’s', () => {
    const others = {
      ...tenant,
      spec: { ...tenant.spec, members: [{ user: 'someoneelse', role: 'owner' as const }] },
    };
    const attempt = (): unknown => createTenant(viewOf([], { tenants: [others] }), wanted);
    expect(attempt).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }));
  });
});
