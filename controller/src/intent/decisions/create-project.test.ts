import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { CreateProjectInput } from '../../contract/projects.js';
import { NAMESPACE, platform, project } from '../../shared/documents-for-tests.js';
import { unseal } from '../../shared/sealing-key-for-tests.js';
import { seal } from '../sealing.js';
import { createProject } from './create-project.js';
import type { RandomBytes } from './random.js';
import { viewOf, written } from './view-for-tests.js';

/** The same bytes at each run, other ones at each call. */
function countedBytes(): RandomBytes {
  let calls = 0;
  return (size) => createHash('shake256', { outputLength: size }).update(`${calls++}`).digest();
}

const create = (input: CreateProjectInput, view = viewOf([])): ReturnType<ReturnType<typeof createProject>> =>
  createProject({ random: countedBytes(), seal })(view, { namespace: NAMESPACE, input });

describe('creating a project', () => {
  it('takes everything that was not asked for from the platform', () => {
    const { metadata, spec } = written(create({ name: ' My Blog ' }));
    expect(metadata).toEqual({ name: 'my-blog', namespace: NAMESPACE });
    expect(spec).toEqual({
      displayName: 'My Blog',
      state: 'Running',
      host: spec.host,
      sandbox: { image: 'registry.example.com/sandbox:1.0.0', preset: 'small', storage: '10Gi' },
      terminal: { sealedToken: spec.terminal.sealedToken },
      env: [],
    });
    expect(spec.host).toMatch(/^[a-z0-9]{12}$/);
    expect(unseal(spec.terminal.sealedToken, NAMESPACE)).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });

  it('writes down the class of its volumes, which may be another one for later projects', () => {
    const { sandbox, database } = platform.spec;
    const spec = {
      ...platform.spec,
      sandbox: { ...sandbox, storageClass: 'fast' },
      database: { ...database, storageClass: 'safe' },
    };
    const view = viewOf([], { platform: { ...platform, spec } });
    const created = written(create({ name: 'x', database: true }, view));
    expect(created.spec.sandbox.storageClass).toBe('fast');
    expect(created.spec.database?.storageClass).toBe('safe');
  });

  it('takes what was asked for', () => {
    const { spec } = written(
      create({
        ...{ name: 'X', description: ' About ', preset: 'large', database: { storage: '20Gi' } },
        agent: 'none',
        workspace: { systemPrompt: 'a\r\n', git: {} },
      }),
    );
    expect(spec.workspace).toEqual({ systemPrompt: 'a\n' });
    expect(spec.terminal.agent).toBe('none');
    expect(spec.description).toBe('About');
    expect(spec.sandbox.preset).toBe('large');
    expect(spec.database).toEqual({ engine: 'postgresql', version: '16', storage: '20Gi', preset: 'small' });
  });

  it.each([
    [true, { engine: 'postgresql', version: '16', storage: '5Gi', preset: 'small' }],
    [false, undefined],
  ] as const)('with database: %s', (database, expected) => {
    expect(written(create({ name: 'X', database })).spec.database).toEqual(expected);
  });

  it('seals what is secret and keeps what is plain, whatever is in it', () => {
    const value = 'a: b\n- "c"\n$(touch /tmp/x) #\t\u0007';
    const { spec } = written(
      create({
        name: 'X',
        env: [
          { name: 'PLAIN', value },
          { name: 'KEY', value: 'sk-4242', secret: true },
        ],
      }),
    );
    expect(spec.env[0]).toEqual({ name: 'PLAIN', value });
    const [, secret] = spec.env;
    expect(secret && 'sealed' in secret ? unseal(secret.sealed, NAMESPACE) : '').toBe('sk-4242');
    expect(JSON.stringify(spec)).not.toContain('sk-4242');
  });

  it('draws another host where the first is taken, and gives up on a source that is not random', () => {
    const first = written(create({ name: 'First' })).spec.host;
    const view = viewOf([project('other', { host: first })]);
    expect(written(create({ name: 'Second' }, view)).spec.host).not.toBe(first);
    const zeros = createProject({ random: (size) => Buffer.alloc(size), seal });
    const taken = viewOf([project('other', { host: 'a'.repeat(12) })]);
    expect(() => zeros(taken, { namespace: NAMESPACE, input: { name: 'X' } })).toThrow('random source');
  });

  it.each([
    ['there is one', {}, 'There is a project my-blog already. Pick another name.'],
    [
      'one was deleted',
      { state: 'Deleted', deletedAt: '2026-11-01T00:00:00Z' },
      'my-blog was deleted and its data is still there. Restore it or pick another name.',
    ],
  ] as const)('refuses the name where %s', (_why, spec, message) => {
    const attempt = (): unknown => create({ name: 'My Blog!' }, viewOf([project('my-blog', spec)]));
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'NAME_TAKEN', message, errors: [{ field: 'name', message }] }),
    );
  });

  it.each([
    [{ name: 'X', preset: 'huge' }, 'preset', /no size "huge".*small, large/],
    [{ name: 'X', preset: 'constructor' }, 'preset', /no size/],
    [{ name: 'X', database: { version: '9' } }, 'database.version', /no PostgreSQL 9.*16/],
    [{ name: 'X', database: { preset: 'huge' } }, 'database.preset', /no size/],
    [{ name: 'X', database: { storage: 'lots' } }, 'database.storage', /written like "512Mi"/],
    [{ name: 'new' }, 'name', /reserved/],
    [{ name: 'x'.repeat(80) }, 'name', /at most 64/],
    [
      {
        name: 'X',
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
      'env.1.name',
      /twice/,
    ],
    [{ name: 'X', env: [{ name: 'DATABASE_URL', value: '1' }] }, 'env.0', /./],
  ] as const)('refuses %j beside its field', (input, field, message) => {
    const attempt = (): unknown => create(input as CreateProjectInput);
    expect(attempt).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        errors: expect.arrayContaining([
          expect.objectContaining({
            field: expect.stringContaining(field) as string,
            message: expect.stringMatching(message) as string,
          }),
        ]) as unknown,
      }),
    );
  });

  it('needs the namespace', () => {
    const attempt = (): unknown => create({ name: 'X' }, viewOf([], { tenants: [] }));
    expect(attempt).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
