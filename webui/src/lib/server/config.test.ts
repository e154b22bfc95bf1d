import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'fsa-config-'));
const keyFile = join(folder, 'key');
writeFileSync(keyFile, `${'ab'.repeat(32)}\n`);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const good = {
  DATABASE_URL: 'postgresql://postgres:s3cr3t@127.0.0.1:5432/postgres',
  CONTROLLER_URL: 'http://127.0.0.1:4000/',
  CONTROLLER_TOKEN_KEY_FILE: keyFile,
};

describe('readConfig', () => {
  it('has a safe default for everything that may be left out', () => {
    expect(readConfig(good)).toEqual({
      host: '127.0.0.1',
      port: 3000,
      terminalShares: 'anyone',
      origin: 'http://localhost:3000',
      databaseUrl: good.DATABASE_URL,
      controllerUrl: 'http://127.0.0.1:4000',
      tokenKey: Buffer.from('ab'.repeat(32), 'hex'),
      logLevel: 'info',
    });
  });

  it('keeps the hash of the deploy token, and nothing that is too short to be one', () => {
    const file = join(folder, 'deploy');
    const read = (text: string): Uint8Array | undefined => {
      writeFileSync(file, text);
      return readConfig({ ...good, GITOPS_READ_TOKEN_FILE: file }).readTokenHash;
    };
    expect(read(`${'x'.repeat(32)}\n`)).toEqual(createHash('sha256').update('x'.repeat(32)).digest());
    for (const text of ['', 'x'.repeat(31), `${'x'.repeat(20)} ${'x'.repeat(20)}`])
      expect(() => read(text)).toThrow(ConfigError);
    expect(() => readConfig({ ...good, GITOPS_READ_TOKEN_FILE: join(folder, 'none') })).toThrow(ConfigError);
  });

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig({ ...good, PORT: '', ORIGIN: '', HOST: '' }).origin).toBe('http://localhost:3000');
  });

  it.each([
    [{ PORT: 'x' }, 'PORT is not right: a whole number from 0 to 65535 is needed.'],
    [{ PORT: '70000' }, 'PORT is not right: a whole number from 0 to 65535 is needed.'],
    [
      { ORIGIN: 'localhost:3000' },
      'ORIGIN is not right: an address that starts with http:// or https:// is needed.',
    ],
    [
      { ORIGIN: 'http://localhost:3000/' },
      'ORIGIN is not right: scheme, host and port are needed, and nothing after them.',
    ],
    [{ DATABASE_URL: undefined }, 'DATABASE_URL is missing.'],
    [
      { DATABASE_URL: 'mysql://root:s3cr3t@h/d' },
      'DATABASE_URL is not right: an address that starts with postgresql:// is needed.',
    ],
    [{ CONTROLLER_URL: '' }, 'CONTROLLER_URL is missing.'],
    [{ ADDRESS_HEADER: 'X Forwarded' }, 'ADDRESS_HEADER is not right: the name of a header is needed.'],
    [{ XFF_DEPTH: '0' }, 'XFF_DEPTH is not right: a whole number from 1 to 99 is needed.'],
    [{ LOG_LEVEL: 'loud' }, expect.stringMatching(/^LOG_LEVEL is not right: /) as string],
    [
      { CONTROLLER_TOKEN_KEY_FILE: '/nowhere' },
      'CONTROLLER_TOKEN_KEY_FILE names a file that cannot be read: /nowhere',
    ],
    [
      { CONTROLLER_TOKEN_KEY_FILE: import.meta.filename },
      expect.stringContaining('does not hold a key of at least 64 hex digits') as string,
    ],
  ])('says in one line what is wrong with %j', (change, message) => {
    const read = (): unknown => readConfig({ ...good, ...change });
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(expect.objectContaining({ message }) as Error);
  });

  it('never shows the password of a database address', () => {
    expect(() => readConfig({ ...good, DATABASE_URL: 'mysql://root:s3cr3t@h/d' })).toThrow(/^(?!.*s3cr3t)/);
  });
});
