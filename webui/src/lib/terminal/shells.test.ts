import { describe, expect, it } from 'vitest';
import { isIdle, withoutTab } from './shells.js';

const shell = (session: string, program = 'bash') => ({
  session,
  program,
  startedAt: '2026-01-01T00:00:00Z',
});

describe('shells', () => {
  it.each([
    ['bash', true],
    ['-zsh', true],
    ['node', false],
    ['bash-completion', false],
  ])('with %s in front, nothing is lost: %s', (program, idle) => {
    expect(isIdle(shell('main', program))).toBe(idle);
  });

  it('are offered where they have no tab', () => {
    const tabs = [{ id: 'main', name: 'main' }];
    expect(withoutTab([shell('main'), shell('s-1')], tabs)).toEqual([shell('s-1')]);
  });
});
