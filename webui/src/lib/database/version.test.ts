import { expect, it } from 'vitest';
import { databaseDetail, otherVersion } from './version.js';

const database = { version: '16', storage: '10Gi' };

it('says what the project names where that is what runs, or where nobody said', () => {
  for (const platform of [{}, { databasesRun: '16.9' }])
    expect(databaseDetail(database, platform)).toBe('Version 16, 10 GiB disk');
});

it('says what runs instead where a machine has one version only', () => {
  expect(databaseDetail(database, { databasesRun: '18.1' })).toBe(
    'Version 18.1 (the project names 16), 10 GiB disk',
  );
  expect(otherVersion({ version: '1' }, { databasesRun: '18.1' })).toBe('18.1');
});
