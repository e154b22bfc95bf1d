import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RotatingFile } from './rotating-file.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-log-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const lines = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `line ${n} ${'.'.repeat(90)}\n`);

describe('a rotating file', () => {
  it('takes what is piped into it, after what was there', async () => {
    const path = join(folder, 'log');
    await writeFile(path, 'before\n');
    await pipeline(Readable.from(['one\n', 'two\n']), new RotatingFile({ path, maxBytes: 1000 }));
    expect(await readFile(path, 'utf8')).toBe('before\none\ntwo\n');
  });

  it('is made for its owner only', async () => {
    const path = join(folder, 'log');
    await pipeline(Readable.from(['one\n']), new RotatingFile({ path, maxBytes: 1000 }));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('never grows past about twice its limit, and keeps the newest', async () => {
    const path = join(folder, 'log');
    await pipeline(Readable.from(lines(1000)), new RotatingFile({ path, maxBytes: 5000 }));
    const sizes = [(await stat(path)).size, (await stat(`${path}.1`)).size];
    for (const size of sizes) expect(size).toBeLessThan(5200);
    expect(await readFile(path, 'utf8')).toContain('line 999 ');
  });

  it('remembers its end', async () => {
    const file = new RotatingFile({ path: join(folder, 'log'), maxBytes: 5000 });
    await pipeline(Readable.from(lines(200)), file);
    expect(file.tail()).toHaveLength(4096);
    expect(file.tail().endsWith(`line 199 ${'.'.repeat(90)}\n`)).toBe(true);
  });

  it('that cannot be written costs lines, not the process that writes', async () => {
    const path = join(folder, 'log');
    await mkdir(path);
    const file = new RotatingFile({ path, maxBytes: 10 });
    await pipeline(Readable.from(lines(3)), file);
    expect(file.tail()).toContain('line 2 ');
  });
});
