import { describe, expect, it } from 'vitest';
import { codeCommand, codeLink, portalLabel, setUpCommand, sshHost } from './connection.js';

describe('names of hosts', () => {
  it.each([
    ['http://localhost:3000', 'localhost-3000'],
    ['https://fsa.Example.com', 'fsa-example-com'],
    ['https://10.0.0.1', '10-0-0-1'],
    ['http://[::1]:3000', '1-3000--1qydwdp'],
    ['https://a-b.example.com', 'a-b-example-com--0fnahm8'],
    [`https://${'a'.repeat(62)}.example.com`, `${'a'.repeat(54)}--0966ve8`],
  ])('%s is %s', (origin, label) => {
    expect(portalLabel(origin)).toBe(label);
  });

  it('are not the same for two portals', () => {
    const hosts = [
      'a.b.com',
      'a-b.com',
      'a.b-com.com',
      'a-b-com.com',
      'a.b.com.com',
      'a.b.com:3000',
      'a-b.com:3000',
      'a.b.com--x.com',
      '[::1]',
      '[1::]',
      '[::1]:80',
      '1.1.1.1',
      ...['x.com', 'y.com'].map((end) => `${'a'.repeat(60)}.${end}`),
    ];
    const labels = hosts.map((host) => portalLabel(`https://${host}`));
    expect(new Set(labels).size).toBe(hosts.length);
    for (const label of labels) expect(label).toMatch(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
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
