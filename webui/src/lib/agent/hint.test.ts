import type { AgentDto } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import { hintOf } from './hint.js';

const machine = (changes: Partial<AgentDto>): AgentDto => ({
  ...{ from: 'machine', available: false, wanted: '2', consent: { needed: false } },
  ...changes,
});
const needed = { needed: true };
const given = { needed: true, given: { at: '2026-11-28T12:00:00Z', by: 'ada' } };
const installing = { since: '2026-11-28T12:00:00Z', bytes: 1, ofBytes: 2 };
const failure = { message: 'No.', lines: [] };

describe('hintOf', () => {
  it.each<[string, AgentDto | undefined, string | undefined]>([
    ['not known yet', undefined, undefined],
    ['on a cluster', { from: 'image', available: true, consent: { needed: false } }, undefined],
    ['isolated and installed', machine({ available: true }), undefined],
    ['nothing installed', machine({}), 'missing'],
    ['nothing installed, nothing allowed', machine({ consent: needed }), 'missing'],
    ['being installed', machine({ installing }), 'installing'],
    ['being replaced', machine({ available: true, installing }), 'installing'],
    ['failed', machine({ failure }), 'failed'],
    ['a failed update of one that works', machine({ available: true, failure }), undefined],
    ['not allowed', machine({ available: true, consent: needed }), 'unconfirmed'],
    ['allowed', machine({ available: true, consent: given }), undefined],
  ])('%s', (_what, agent, hint) => {
    expect(hintOf(agent)).toBe(hint);
  });
});
