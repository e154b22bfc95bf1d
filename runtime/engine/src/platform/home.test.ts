import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHome } from './home.js';
import { ensureSecret } from './secrets.js';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-home-'));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

describe('the home folder', () => {
  it('is made, and found again', async () => {
    const home = await openHome(join(base, 'a', 'b'));
    await writeFile(home.seed, 'kept');
    expect((await openHome(join(base, 'a', 'b'))).seed).toBe(home.seed);
    expect(await readFile(home.seed, 'utf8')).toBe('kept');
  });

  it('shows others nothing: they pass through at most, and only to where PostgreSQL runs', async () => {
    const home = await openHome(join(base, 'closed'));
    const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o077;
    expect(await mode(home.root)).toBe(process.getuid?.() === 0 ? 0o011 : 0);
    expect(await mode(home.logs)).toBe(0);
    expect(await mode(join(home.root, 'keys'))).toBe(0);
  });

  it('is not taken from something else', async () => {
    await writeFile(join(base, 'thesis.tex'), '');
    await expect(openHome(base)).rejects.toThrow(/is not empty and was not made by FullstackAgent/);
  });

  it('goes on where it was cut off while it was made', async () => {
    await writeFile(join(base, 'version.0a1b2c.tmp'), '');
    await expect(openHome(base)).resolves.toMatchObject({ root: base });
  });

  it('of a newer version is left alone', async () => {
    await writeFile(join(base, 'version'), '99\n');
    await expect(openHome(base)).rejects.toThrow(/written by a newer FullstackAgent/);
  });

  it('below a file is refused in one line', async () => {
    await writeFile(join(base, 'file'), '');
    await expect(openHome(join(base, 'file'))).rejects.toThrow(/is not a folder/);
    await expect(openHome(join(base, 'file', 'below'))).rejects.toThrow(/is not a folder/);
  });

  it('where nothing can be written is refused in one line', async () => {
    await expect(openHome('/sys/fullstackagent')).rejects.toThrow(/^[^\n]*cannot be (written|used)[^\n]*$/);
  });
});

describe('a secret', () => {
  it('is drawn once, and only its owner reads it', async () => {
    await mkdir(join(base, 'keys'));
    const file = join(base, 'keys', 'one');
    const secret = await ensureSecret(file);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(await ensureSecret(file)).toBe(secret);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await ensureSecret(join(base, 'keys', 'two'))).not.toBe(secret);
  });

  it('that was damaged is never replaced in silence', async () => {
    const file = join(base, 'key');
    await writeFile(file, 'half');
    await expect(ensureSecret(file)).rejects.toThrow(/does not hold a key/);
    expect(await readFile(file, 'utf8')).toBe('half');
  });
});
