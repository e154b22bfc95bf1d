import { describe, expect, it } from 'vitest';
import { HostOwners } from './host-owners.js';

describe('an address', () => {
  it('belongs to the first who claims it, and to nobody else while it has it', () => {
    const owners = new HostOwners();
    for (const path of ['b', 'c', 'a']) expect(owners.claim(path, ['host'])).toEqual([]);
    expect(['a', 'b', 'c'].map((path) => owners.rivalOf(path))).toEqual(['b', undefined, 'b']);
  });

  it('goes to the next by path when its owner gives it up', () => {
    const owners = new HostOwners();
    for (const path of ['b', 'c', 'a']) owners.claim(path, ['host']);
    expect(owners.claim('b', ['other'])).toEqual(['a']);
    expect(['a', 'b', 'c'].map((path) => owners.rivalOf(path))).toEqual([undefined, undefined, 'a']);
    expect(owners.release('a')).toEqual(['c']);
    expect(owners.release('c')).toEqual([]);
    expect(owners.rivalOf('c')).toBeUndefined();
  });

  it('stays where it is when somebody who waits goes', () => {
    const owners = new HostOwners();
    for (const path of ['a', 'b', 'c']) owners.claim(path, ['host']);
    expect(owners.release('b')).toEqual([]);
    expect(owners.release('never there')).toEqual([]);
    expect(owners.rivalOf('c')).toBe('a');
    expect(owners.release('a')).toEqual(['c']);
  });

  it('of a release is nobody else’s sandbox, and free again when the release is taken down', () => {
    const owners = new HostOwners();
    owners.claim('a', ['sandbox-a', 'shared']);
    owners.claim('b', ['shared']);
    owners.claim('c', ['sandbox-c', 'sandbox-a']);
    expect(['a', 'b', 'c'].map((path) => owners.rivalOf(path))).toEqual([undefined, 'a', 'a']);
    expect(owners.claim('a', ['sandbox-a'])).toEqual(['b']);
    expect(owners.rivalOf('b')).toBeUndefined();
    expect(owners.release('a')).toEqual(['c']);
  });
});
