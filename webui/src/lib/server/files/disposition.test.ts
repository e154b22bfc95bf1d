import { describe, expect, it } from 'vitest';
import { attachment } from './disposition.js';

describe('the name of a download', () => {
  it.each([
    ['notes.txt', `attachment; filename="notes.txt"; filename*=UTF-8''notes.txt`],
    ['a/b/notes (1).txt', `attachment; filename="notes (1).txt"; filename*=UTF-8''notes%20%281%29.txt`],
    ['Grüße 🙂.md', `attachment; filename="Gr__e _.md"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%F0%9F%99%82.md`],
    ['.bashrc', `attachment; filename=".bashrc"; filename*=UTF-8''.bashrc`],
    ["it's 100%", `attachment; filename="it_s 100_"; filename*=UTF-8''it%27s%20100%25`],
    ['   ', `attachment; filename="download"; filename*=UTF-8''download`],
  ])('of %j is %s', (path, header) => {
    expect(attachment(path)).toBe(header);
  });

  it('ends for a folder in what it is sent as', () => {
    expect(attachment('src/lib', '.tar.gz')).toContain('filename="lib.tar.gz"');
  });

  it.each([
    'a"; filename="evil.exe',
    'a\r\nSet-Cookie: x=1',
    'a\u202egpj.exe',
    'C:\\windows\\x',
    'a;b=c',
    '\ud800broken',
    'tab\tand\u0085more',
  ])('stays one value: %j', (path) => {
    const header = attachment(path);
    expect(header).toMatch(
      /^attachment; filename="[\x20\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[\w.!#$&+^`|~%-]+$/,
    );
    expect(header).not.toContain('%E2%80%AE');
  });
});
