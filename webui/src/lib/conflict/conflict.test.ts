import { AppError, type Conflict } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import { choicesFor, conflictOf, fieldLabel, shownValue } from './conflict.js';

const conflict: Conflict = {
  version: 'v2',
  documents: { theirs: '', yours: '' },
  fields: ['displayName', 'variables.A'].map((field) => ({ field, base: null, theirs: null, yours: null })),
};

describe('a conflict', () => {
  it('is what a refused save disagrees about', () => {
    const problem = new AppError('STALE_VERSION', 'No.', { conflict }).toProblem();
    expect(conflictOf({ kind: 'problem', problem })).toEqual(conflict);
    expect(conflictOf({ kind: 'network' })).toBeUndefined();
  });

  it('leaves what stands, unless somebody decided otherwise before', () => {
    expect([...choicesFor(conflict)]).toEqual([
      ['displayName', 'theirs'],
      ['variables.A', 'theirs'],
    ]);
    const before = new Map([
      ['variables.A', 'yours'],
      ['variables.GONE', 'yours'],
    ] as const);
    expect([...choicesFor(conflict, before)]).toEqual([
      ['displayName', 'theirs'],
      ['variables.A', 'yours'],
    ]);
  });

  it.each([
    ['displayName', 'Display name'],
    ['variables.A.b', 'Variable A.b'],
    ['', 'The whole document'],
    ['toString', 'toString'],
  ])('calls %j %j', (field, label) => {
    expect(fieldLabel(field)).toBe(label);
  });

  it('shows no secret, and says what is not there', () => {
    expect(shownValue({ secret: true }, 'yours')).toEqual({ literal: false, text: 'A secret value' });
    expect(shownValue({ secret: false, value: '' }, 'yours')).toEqual({ literal: false, text: 'Empty' });
    expect(shownValue({ secret: false, value: 'Removed' }, 'yours')).toEqual({
      literal: true,
      text: 'Removed',
    });
    expect(shownValue(null, 'theirs').text).toBe('Removed');
    expect(shownValue(null, 'base').text).toBe('Not there yet');
  });
});
