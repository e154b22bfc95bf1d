import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { needs, pathOf } from '../support/capabilities.js';
import { removeFolder, temporaryFolder } from '../support/folders.js';
import { RUNTIME } from './sandbox.js';

/** What the image takes from outside is checked: a publisher on this machine, honest or not. */
const folder = temporaryFolder('sources');
const published = new Map<string, Buffer>();
let server: Server;
let base = '';

beforeAll(async () => {
  const [key, certificate] = [join(folder, 'tls.key'), join(folder, 'tls.crt')];
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
  ];
  execFileSync('openssl', [...kind, '-keyout', key, '-out', certificate, ...names], { stdio: 'ignore' });
  server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    const body = published.get(request.url ?? '');
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  removeFolder(folder);
});

beforeEach(() => {
  published.clear();
});

function run(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      join(RUNTIME, 'image', script),
      [...args],
      { env: { PATH: '/usr/bin:/bin', CURL_CA_BUNDLE: join(folder, 'tls.crt'), ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr });
      },
    );
  });
}

describe('install-ttyd.sh', () => {
  const binary = Buffer.from('#!/bin/sh\necho a ttyd\n');
  const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
  const target = join(folder, 'bin', 'ttyd');
  const publish = (sums: string, data = binary): void => {
    published.set('/1.7.7/ttyd.x86_64', data);
    published.set('/1.7.7/ttyd.aarch64', data);
    published.set('/1.7.7/SHA256SUMS', Buffer.from(sums));
  };
  const both = `${hash(binary)}  ttyd.aarch64\n${hash(binary)}  ttyd.x86_64\n`;
  const install = (...args: readonly string[]): Promise<{ code: number; output: string }> =>
    run('install-ttyd.sh', args, { TTYD_RELEASES: base, TTYD_TARGET: target });

  beforeEach(() => {
    removeFolder(join(folder, 'bin'));
  });

  it.each(['amd64', 'arm64'])('installs what the publisher named: %s', async (architecture) => {
    publish(both);
    expect(await install('1.7.7', architecture)).toEqual({ code: 0, output: '' });
    expect(readFileSync(target)).toEqual(binary);
    expect(statSync(target).mode & 0o777).toBe(0o755);
  });

  it.each([
    ['another binary', both, Buffer.from('something else')],
    ['no checksum of this file', `${hash(binary)}  ttyd.arm\n`, binary],
    ['a name that only looks like it', `${hash(binary)}  xttyd.x86_64\n`, binary],
    ['the file twice', both + both, binary],
    ['no checksums', '', binary],
  ])('installs nothing where there is %s', async (_name, sums, data) => {
    publish(sums, data);
    expect((await install('1.7.7', 'amd64')).code).not.toBe(0);
    expect(existsSync(target)).toBe(false);
  });

  it('takes the checksum that an operator trusts over that of the publisher', async () => {
    publish(both);
    expect((await install('1.7.7', 'amd64', '0'.repeat(64))).code).not.toBe(0);
    expect(existsSync(target)).toBe(false);
    expect((await install('1.7.7', 'amd64', hash(binary))).code).toBe(0);
  });

  it('does not guess another architecture', async () => {
    publish(both);
    expect(await install('1.7.7', 'riscv64')).toEqual({
      code: 1,
      output: 'ttyd is not taken for riscv64.\n',
    });
  });

  it('takes nothing from a server that nobody vouches for', async () => {
    publish(both);
    const { code } = await run('install-ttyd.sh', ['1.7.7', 'amd64'], {
      TTYD_RELEASES: base,
      TTYD_TARGET: target,
      CURL_CA_BUNDLE: '/etc/ssl/certs/ca-certificates.crt',
    });
    expect(code).not.toBe(0);
    expect(existsSync(target)).toBe(false);
  });
});

describe('add-repository.sh', () => {
  const keyrings = join(folder, 'keyrings');
  const sources = join(folder, 'sources');
  const home = join(folder, 'gpg');
  const gpg = (...args: readonly string[]): Buffer =>
    execFileSync(pathOf('gpg'), ['--homedir', home, '--batch', '--quiet', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const fingerprints: string[] = [];

  function makeKeys(): void {
    if (fingerprints.length > 0) return;
    mkdirSync(home, { mode: 0o700 });
    for (const name of ['publisher', 'stranger']) {
      gpg('--passphrase', '', '--quick-generate-key', name, 'ed25519', 'sign', '2d');
      const listed = gpg('--with-colons', '--list-keys', name).toString('utf8');
      fingerprints.push(/^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? '');
    }
  }
  const add = (expected: string): Promise<{ code: number; output: string }> =>
    run(
      'add-repository.sh',
      ['tools', `${base}/key`, expected, 'https://packages.example', 'stable', 'main'],
      {
        KEYRINGS: keyrings,
        SOURCES: sources,
      },
    );

  beforeEach(() => {
    removeFolder(keyrings);
    removeFolder(sources);
  });

  it.for(['--armor', '--no-armor'])('adds a repository with its key, written %s', async (form, ctx) => {
    needs(ctx, 'gpg');
    makeKeys();
    published.set('/key', gpg('--export', form, 'publisher'));
    expect(await add(`${'A'.repeat(40)},${fingerprints[0] ?? ''}`)).toEqual({ code: 0, output: '' });
    expect(readFileSync(join(sources, 'tools.sources'), 'utf8')).toBe(
      `Types: deb\nURIs: https://packages.example\nSuites: stable\nComponents: main\nSigned-By: ${keyrings}/tools.gpg\n`,
    );
    // Binary, as apt wants a file called .gpg.
    expect(readFileSync(join(keyrings, 'tools.gpg'))).toEqual(gpg('--export', 'publisher'));
  });

  it('adds nothing where one of the keys is a stranger', async (ctx) => {
    needs(ctx, 'gpg');
    makeKeys();
    const [publisher = '', stranger = ''] = fingerprints;
    for (const exported of [['stranger'], ['publisher', 'stranger']]) {
      published.set('/key', gpg('--export', ...exported));
      const { code, output } = await add(publisher);
      expect(code).toBe(1);
      expect(output).toContain(`holds the key ${stranger}, which is none of those expected`);
      expect(existsSync(join(keyrings, 'tools.gpg'))).toBe(false);
      expect(existsSync(join(sources, 'tools.sources'))).toBe(false);
    }
  });

  it('adds nothing where there is no key, or only a part of a fingerprint is given', async (ctx) => {
    needs(ctx, 'gpg');
    makeKeys();
    published.set('/key', Buffer.from('<html>Not found</html>'));
    expect((await add(fingerprints[0] ?? '')).code).not.toBe(0);
    published.set('/key', gpg('--export', 'publisher'));
    expect((await add((fingerprints[0] ?? '').slice(-16))).code).toBe(1);
    expect(existsSync(join(sources, 'tools.sources'))).toBe(false);
  });
});
