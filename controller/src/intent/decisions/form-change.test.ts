import type { ProjectDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import type { PatchProjectInput, PutEnvironmentInput } from '../../contract/projects.js';
import { AppError } from '../../contract/errors.js';
import type { Edit } from '../../model/intent.js';
import { project, SEALED_TEXT } from '../../shared/documents-for-tests.js';
import { seal } from '../sealing.js';
import type { FormBase } from './form-change.js';
import { patchProject } from './patch-project.js';
import { putEnvironment } from './put-environment.js';
import { key, VERSION, viewOf, written } from './view-for-tests.js';

type Spec = Partial<ProjectDocument['spec']>;

const OLD = 'b'.repeat(40);
const blog = (spec: Spec): ProjectDocument => project('my-blog', spec);
const filledFrom = (spec: Spec): FormBase => ({ version: OLD, document: blog(spec) });

const patch = (standing: Spec, input: PatchProjectInput, base: FormBase | undefined): readonly Edit[] =>
  patchProject(viewOf([blog(standing)]), key('my-blog'), { input, base });
const put = (standing: Spec, variables: PutEnvironmentInput['variables'], base: FormBase): readonly Edit[] =>
  putEnvironment(seal)(viewOf([blog(standing)]), key('my-blog'), { input: { variables }, base });

function refusal(attempt: () => unknown): AppError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof AppError) return error;
  }
  throw new Error('Nothing was refused.');
}

describe('a form filled from the version that stands', () => {
  it('is written as it is', () => {
    const base = { version: VERSION, document: blog({}) };
    expect(written(patch({}, { displayName: 'New' }, base)).spec.displayName).toBe('New');
  });
});

describe('a form filled from an older version', () => {
  it('changes its fields, and leaves those that somebody else changed', () => {
    const { spec } = written(
      patch(
        { displayName: 'Theirs', state: 'Stopped' },
        { description: 'Mine' },
        filledFrom({ displayName: 'Old' }),
      ),
    );
    expect(spec).toMatchObject({ displayName: 'Theirs', state: 'Stopped', description: 'Mine' });
  });

  it('that asks for what somebody else wrote already writes nothing', () => {
    expect(patch({ displayName: 'New' }, { displayName: 'New' }, filledFrom({ displayName: 'Old' }))).toEqual(
      [],
    );
  });

  it('is refused with all three values where both changed one field', () => {
    const attempt = () =>
      patch(
        { displayName: 'Theirs' },
        { displayName: 'Mine', preset: 'large' },
        filledFrom({ displayName: 'Old' }),
      );
    const { code, conflict } = refusal(attempt);
    const value = (text: string) => ({ secret: false, value: text });
    expect(code).toBe('STALE_VERSION');
    expect(conflict).toMatchObject({
      fields: [{ field: 'displayName', base: value('Old'), theirs: value('Theirs'), yours: value('Mine') }],
      version: VERSION,
    });
    expect(conflict?.documents.theirs).toContain('displayName: Theirs');
    expect(conflict?.documents.yours).toContain('preset: large');
  });

  it('is refused without detail where nobody knows what it was filled from', () => {
    const { code, conflict } = refusal(() =>
      patch({}, { displayName: 'X' }, { version: OLD, document: undefined }),
    );
    expect([code, conflict]).toEqual(['STALE_VERSION', undefined]);
  });

  it('adds no second database beside the one that somebody added meanwhile', () => {
    const database = { engine: 'postgresql', version: '16', storage: '50Gi', preset: 'small' } as const;
    expect(patch({ database }, { database: true }, filledFrom({}))).toEqual([]);
  });

  it('keeps the variables that others added, changed and took away', () => {
    const base = filledFrom({
      env: [
        { name: 'GONE', value: '1' },
        { name: 'CHANGED', value: '1' },
        { name: 'KEY', sealed: SEALED_TEXT },
      ],
    });
    const standing: Spec = {
      env: [
        { name: 'CHANGED', value: 'theirs' },
        { name: 'KEY', sealed: SEALED_TEXT },
        { name: 'THEIRS', value: '1' },
      ],
    };
    const variables: PutEnvironmentInput['variables'] = [
      { name: 'GONE', value: '1' },
      { name: 'CHANGED', value: '1' },
      { name: 'KEY', secret: true, unchanged: true },
      { name: 'MINE', value: '1' },
    ];
    expect(written(put(standing, variables, base)).spec.env.map(({ name }) => name)).toEqual([
      'CHANGED',
      'KEY',
      'THEIRS',
      'MINE',
    ]);
  });

  it('never shows what is sealed', () => {
    const base = filledFrom({ env: [{ name: 'KEY', value: 'plain' }] });
    const standing: Spec = { env: [{ name: 'KEY', sealed: SEALED_TEXT }] };
    const { conflict } = refusal(() => put(standing, [{ name: 'KEY', value: 'mine' }], base));
    expect(conflict?.fields).toEqual([
      {
        field: 'variables.KEY',
        base: { secret: false, value: 'plain' },
        theirs: { secret: true },
        yours: { secret: false, value: 'mine' },
      },
    ]);
    expect(JSON.stringify(conflict)).not.toContain(SEALED_TEXT);
  });
});
