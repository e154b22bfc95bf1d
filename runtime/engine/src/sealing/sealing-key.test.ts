import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sealingKey } from './sealing-key.js';

let base = '';
let folder = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-sealing-'));
  folder = join(base, 'sealing');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const open = (): Promise<string> => sealingKey(folder, () => new Date());
const certificate = async (): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(folder, 'tls.crt')));

describe('the sealing key', () => {
  it('is made once, and its certificate fits', async () => {
    const key = await open();
    const before = await certificate();
    expect(before.checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect(await open()).toBe(key);
    expect((await certificate()).fingerprint256).toBe(before.fingerprint256);
    expect((await stat(join(folder, 'tls.key'))).mode & 0o777).toBe(0o600);
  });

  it('is never replaced while there is a certificate that things were sealed with', async () => {
    await open();
    const before = await certificate();
    await rm(join(folder, 'tls.key'));
    await expect(open()).rejects.toThrow(/tls\.key is gone.*restore it from a backup/);
    expect(await readdir(folder)).toEqual(['tls.crt']);
    expect((await certificate()).fingerprint256).toBe(before.fingerprint256);
  });

  it('gets its certificate when the start was cut off between the two', async () => {
    const key = await open();
    await rm(join(folder, 'tls.crt'));
    expect(await open()).toBe(key);
    expect((await certificate()).checkPrivateKey(createPrivateKey(key))).toBe(true);
  });

  it('of another certificate is refused', async () => {
    await open();
    const first = await readFile(join(folder, 'tls.crt'));
    await rm(folder, { recursive: true });
    await open();
    await writeFile(join(folder, 'tls.crt'), first);
    await expect(open()).rejects.toThrow(/is not the key of/);
  });
});
