import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { projectStatuses, resourceStatuses, type ResourceStatus } from '../contract/status.js';
import { aggregate, allowedActions } from './aggregate.js';

describe('aggregate', () => {
  const rows: [ResourceStatus[], string][] = [
    [['RUNNING'], 'RUNNING'],
    [['RUNNING', 'RUNNING'], 'RUNNING'],
    [['ERROR', 'CREATING'], 'ERROR'],
    [['RUNNING', 'ERROR'], 'ERROR'],
    [['CREATING', 'UPDATING'], 'CREATING'],
    [['CREATING', 'RUNNING'], 'CREATING'],
    [['TERMINATED', 'CREATING'], 'CREATING'],
    [['UPDATING', 'RUNNING'], 'UPDATING'],
    [['UPDATING', 'STOPPED'], 'UPDATING'],
    [['RUNNING', 'STARTING'], 'STARTING'],
    [['STOPPED', 'STOPPING'], 'STOPPING'],
    [['TERMINATED', 'TERMINATING'], 'TERMINATING'],
    [['STOPPED', 'STOPPED'], 'STOPPED'],
    [['RUNNING', 'STOPPED'], 'PARTIAL'],
    [['STARTING', 'STOPPING'], 'PARTIAL'],
    [['TERMINATED', 'STOPPED'], 'PARTIAL'],
    [[], 'PARTIAL'],
  ];
  test.each(rows)('%j is %s', (statuses, expected) => {
    expect(aggregate(statuses)).toBe(expected);
  });

  /** Of every two: the lower half of the table, since their order makes no difference. */
  test('every row of two', () => {
    const found = resourceStatuses.map((first, index) =>
      [first, ...resourceStatuses.slice(0, index + 1).map((second) => aggregate([first, second]))].join(' '),
    );
    expect(found).toEqual([
      'CREATING CREATING',
      'STARTING CREATING STARTING',
      'RUNNING CREATING STARTING RUNNING',
      'UPDATING CREATING UPDATING UPDATING UPDATING',
      'STOPPING CREATING PARTIAL PARTIAL UPDATING STOPPING',
      'STOPPED CREATING PARTIAL PARTIAL UPDATING STOPPING STOPPED',
      'TERMINATING CREATING PARTIAL PARTIAL UPDATING PARTIAL PARTIAL TERMINATING',
      'TERMINATED CREATING PARTIAL PARTIAL UPDATING PARTIAL PARTIAL TERMINATING TERMINATED',
      'ERROR ERROR ERROR ERROR ERROR ERROR ERROR ERROR ERROR ERROR',
    ]);
  });

  test('every row of three is that of two and the third, but for what PARTIAL hides', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...resourceStatuses),
        fc.constantFrom(...resourceStatuses),
        fc.constantFrom(...resourceStatuses),
        (a, b, c) => {
          const two = aggregate([a, b]);
          const whole = aggregate([a, b, c]);
          if (two !== 'PARTIAL') expect(whole).toBe(aggregate([two, c]));
          else expect(['PARTIAL', 'ERROR', 'CREATING', 'UPDATING']).toContain(whole);
        },
      ),
    );
  });

  test('all equal is that, whatever it is', () => {
    for (const status of resourceStatuses) expect(aggregate([status, status, status])).toBe(status);
  });

  test('ERROR before CREATING before UPDATING before anything else', () => {
    const order: readonly ResourceStatus[] = ['ERROR', 'CREATING', 'UPDATING'];
    for (const [index, first] of order.entries())
      for (const other of resourceStatuses.filter((status) => !order.slice(0, index).includes(status)))
        expect([other, aggregate([other, first])]).toEqual([other, first]);
  });

  test('the order of the parts makes no difference', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...resourceStatuses), { minLength: 1, maxLength: 4 }),
        (statuses) => {
          expect(aggregate([...statuses].reverse())).toBe(aggregate(statuses));
        },
      ),
    );
  });
});

describe('allowed actions', () => {
  test.each([
    ['RUNNING', ['stop', 'restart', 'delete']],
    ['STARTING', ['stop', 'restart', 'delete']],
    ['STOPPED', ['start', 'delete']],
    ['STOPPING', ['start', 'delete']],
    ['ERROR', ['start', 'stop', 'restart', 'delete']],
    ['PARTIAL', ['start', 'stop', 'restart', 'delete']],
    ['CREATING', ['stop', 'delete']],
    ['UPDATING', ['stop', 'delete']],
    ['TERMINATING', ['restore']],
    ['TERMINATED', ['restore']],
  ] as const)('%s allows %j', (status, actions) => {
    const state = status.startsWith('TERMINAT') ? 'Deleted' : 'Running';
    expect(allowedActions(status, { state })).toEqual(actions);
  });

  test('a deleted project can be restored, whatever went wrong with it', () => {
    for (const status of projectStatuses)
      expect(allowedActions(status, { state: 'Deleted' })).toEqual(['restore']);
  });

  test('nothing is possible with what is being removed for ever', () => {
    for (const status of projectStatuses)
      expect(allowedActions(status, { state: 'Deleted', purging: 'Unprotect' })).toEqual([]);
  });
});
