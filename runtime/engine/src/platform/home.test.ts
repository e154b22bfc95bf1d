import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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

const mode = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe('the home folder', () => {
  it('is made, and found again', async () => {
    const home = await openHome(join(base, 'a', 'b'));
    await writeFile(home.seed, 'kept');
    expect((await openHome(join(base, 'a', 'b'))).seed).toBe(home.seed);
    expect(await readFile(home.seed, 'utf8')).toBe('kept');
  });

  it('shows others nothing: they pass through at most, and only to where PostgreSQL runs', async () => {
    const home = await openHome(join(base, 'closed'));
    const way = process.getuid?.() === 0 ? 0o711 : 0o700;
    for (const folder of [home.root, home.postgres, home.engine]) expect(await mode(folder)).toBe(way);
    const others = (await readdir(home.root)).filter((name) => !['postgres', 'engine'].includes(name));
    expect(others).toEqual(expect.arrayContaining(['gitops.git', 'keys', 'logs']));
    for (const name of others) expect((await mode(join(home.root, name))) & 0o077, name).toBe(0);
  });

  it('is closed again when an earlier version left it open', async () => {
    const root = join(base, 'open');
    await openHome(root);
    for (const name of ['.', 'gitops.git', 'keys', 'logs']) await chmod(join(root, name), 0o755);
    const home = await openHome(root);
    expect((await mode(home.root)) & 0o066).toBe(0);
    for (const folder of [home.repository, home.logs, join(root, 'keys')])
      expect(await mode(folder)).toBe(0o700);
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
