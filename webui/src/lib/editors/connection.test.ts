import { describe, expect, it } from 'vitest';
import { codeCommand, codeLink, portalLabel, setUpCommand, sshHost } from './connection.js';

describe('names of hosts', () => {
  it.each([
    ['http://localhost:3000', 'localhost-3000'],
    ['https://fsa.Example.com', 'fsa-example-com'],
    ['http://[::1]:3000', '1-3000'],
    [`https://${'a'.repeat(62)}.example.com`, 'a'.repeat(62)],
  ])('%s is %s', (origin, label) => {
    expect(portalLabel(origin)).toBe(label);
  });

  it('name the namespace of a project of others', () => {
    expect(sshHost('my-blog', 'http://localhost:3000')).toBe('my-blog.localhost-3000.fsa');
    expect(sshHost('ns-abcd1234~shop', 'https://fsa.example.com')).toBe(
      'shop.ns-abcd1234.fsa-example-com.fsa',
    );
  });
});

describe('what is copied', () => {
  it('has the code on no command line', () => {
    const command = setUpCommand({ origin: 'http://localhost:3000', code: 'c0de', projectKey: 'blog' });
    expect(command.split('\n').at(-1)).toBe(
      "printf %s c0de | python3 ~/.ssh/fullstackagent/helper.py setup 'http://localhost:3000' localhost-3000 'blog'",
    );
  });

  it.each([
    [
      '/workspace',
      'code --remote ssh-remote+h.fsa /workspace',
      'vscode://vscode-remote/ssh-remote+h.fsa/workspace',
    ],
    [
      "/a b/it's",
      String.raw`code --remote ssh-remote+h.fsa '/a b/it'\''s'`,
      "vscode://vscode-remote/ssh-remote+h.fsa/a%20b/it's",
    ],
  ])('opens %s in VS Code', (folder, command, link) => {
    expect(codeCommand('h.fsa', folder)).toBe(command);
    expect(codeLink('h.fsa', folder)).toBe(link);
  });
});
