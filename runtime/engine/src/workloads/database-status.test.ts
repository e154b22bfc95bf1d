import { expect, it } from 'vitest';
import { databaseStatus } from './database-status.js';
import { list } from '../store/object.js';

const status = (named: string, before = {}) =>
  databaseStatus(before, {
    ...{ phase: 'Running', generation: 1, message: undefined },
    version: { named, running: '18.1' },
  });

it('says which version runs where the manifest names another', () => {
  expect(list(status('16.9.0'), 'conditions')).toContainEqual({
    type: 'ServiceVersionRuns',
    status: 'False',
    reason: 'OneVersionHere',
    message: 'PostgreSQL 18.1 runs, as every database of this machine, although the manifest names 16.9.0.',
  });
});

it('is content with another minor version', () => {
  expect(list(status('18.3.0'), 'conditions')).toContainEqual(
    expect.objectContaining({ type: 'ServiceVersionRuns', status: 'True' }),
  );
});

it('says each thing once, however often it is said', () => {
  const once = status('16.9.0');
  expect(status('16.9.0', once)).toEqual(once);
});
