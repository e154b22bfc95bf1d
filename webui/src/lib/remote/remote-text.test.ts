import { describe, expect, it } from 'vitest';
import { decisionAbout, isSoon, waitingText, webAddress } from './remote-text.js';

describe('what is said about a remote', () => {
  it.each([
    [{ state: 'unknown', waiting: 0 }, 'The remote has not answered since the start.'],
    [{ state: 'in-sync', waiting: 0 }, 'Nothing waits.'],
    [{ state: 'ahead', waiting: 1 }, '1 commit waits to be pushed.'],
    [{ state: 'rewritten', waiting: 12 }, '12 commits wait to be pushed.'],
    [{ state: 'diverged', waiting: 0 }, ''],
  ] as const)('%j: %s', (branch, text) => {
    expect(waitingText(branch)).toBe(text);
  });

  it('offers a decision where a person has to make one, and nowhere else', () => {
    const there = 'a'.repeat(40);
    const pathOf = (branch: 'main' | 'rendered', state: Parameters<typeof decisionAbout>[1]['state']) =>
      decisionAbout(branch, { state, there, waiting: 0 })?.path;
    expect(pathOf('main', 'rewritten')).toBe('/api/remote/accept-upstream');
    expect(pathOf('main', 'unrelated')).toBe('/api/remote/accept-upstream');
    expect(pathOf('rendered', 'diverged')).toBe('/api/remote/keep-rendered');
    for (const state of ['unknown', 'in-sync', 'ahead', 'protected', 'stuck'] as const) {
      expect(pathOf('main', state)).toBeUndefined();
      expect(pathOf('rendered', state)).toBeUndefined();
    }
  });

  it('tells a branch that is gone there from one that was rewritten', () => {
    const gone = decisionAbout('main', { state: 'rewritten', waiting: 0 });
    const rewritten = decisionAbout('main', { state: 'rewritten', there: 'b'.repeat(40), waiting: 0 });
    expect(gone?.title).toBe('Push main there again?');
    expect(rewritten?.title).toBe('Accept what is there?');
  });

  it.each([
    ['https://git.example/ada/gitops/pulls/3', 'https://git.example/ada/gitops/pulls/3'],
    ['javascript:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['pulls/3', undefined],
  ])('links %s only where a browser should go there', (url, expected) => {
    expect(webAddress(url)).toBe(expected);
  });

  it('knows what is soon', () => {
    const now = new Date('2026-01-01T12:00:00Z');
    expect(isSoon('2026-01-01T11:59:00Z', now)).toBe(true);
    expect(isSoon('2026-01-01T12:00:59Z', now)).toBe(true);
    expect(isSoon('2026-01-01T12:01:00Z', now)).toBe(false);
  });
});
