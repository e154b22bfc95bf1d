import { describe, expect, it } from 'vitest';
import { HostOwners } from './host-owners.js';

describe('an address', () => {
  it('belongs to the first who claims it, and to nobody else while it has it', () => {
    const owners = new HostOwners();
    for (const path of ['b', 'c', 'a']) expect(owners.claim(path, 'host')).toBeUndefined();
    expect(['a', 'b', 'c'].map((path) => owners.rivalOf(path))).toEqual(['b', undefined, 'b']);
  });

  it('goes to the next by path when its owner gives it up', () => {
    const owners = new HostOwners();
    for (const path of ['b', 'c', 'a']) owners.claim(path, 'host');
    expect(owners.claim('b', 'other')).toBe('a');
    expect(['a', 'b', 'c'].map((path) => owners.rivalOf(path))).toEqual([undefined, undefined, 'a']);
    expect(owners.release('a')).toBe('c');
    expect(owners.release('c')).toBeUndefined();
    expect(owners.rivalOf('c')).toBeUndefined();
  });

  it('stays where it is when somebody who waits goes', () => {
    const owners = new HostOwners();
    for (const path of ['a', 'b', 'c']) owners.claim(path, 'host');
    expect(owners.release('b')).toBeUndefined();
    expect(owners.release('never there')).toBeUndefined();
    expect(owners.rivalOf('c')).toBe('a');
    expect(owners.release('a')).toBe('c');
  });
});
