import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { endOfArchive, textEntry, treeEntries, type TarStream } from './tar.js';

let base = '';
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'fsa-tar-'));
  mkdirSync(join(base, 'in'));
  mkdirSync(join(base, 'out'));
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

/** Through the tar of this machine, which is what people have. */
async function unpack(...streams: TarStream[]): Promise<string> {
  async function* all(): TarStream {
    for (const stream of streams) yield* stream;
    yield endOfArchive();
  }
  const archive = join(base, 'archive.tar');
  await pipeline(Readable.from(all()), createWriteStream(archive));
  const said = execFileSync('tar', ['-xpf', archive, '-C', join(base, 'out')], { encoding: 'utf8' });
  expect(said).toBe('');
  return join(base, 'out');
}

it('keeps names of any length and bytes, modes, times, links and empty folders', async () => {
  const deep = join(base, 'in', 'a'.repeat(120), 'ü'.repeat(60), 'b'.repeat(120));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, 'file'), 'deep');
  mkdirSync(join(base, 'in', 'empty'));
  writeFileSync(join(base, 'in', 'run.sh'), 'echo', { mode: 0o751 });
  chmodSync(join(base, 'in', 'run.sh'), 0o751);
  utimesSync(join(base, 'in', 'run.sh'), 1_700_000_000, 1_700_000_000);
  symlinkSync('../somewhere/' + 'c'.repeat(150), join(base, 'in', 'link'));
  writeFileSync(Buffer.concat([Buffer.from(`${base}/in/`), Buffer.from([0x66, 0xff, 0xfe])]), 'no UTF-8');
  writeFileSync(join(base, 'in', 'large'), Buffer.alloc(700_001, 7));
  const out = join(await unpack(treeEntries(join(base, 'in'), 'top')), 'top');
  expect(readFileSync(join(out, ...deep.slice(join(base, 'in').length).split('/'), 'file'), 'utf8')).toBe(
    'deep',
  );
  expect(statSync(join(out, 'empty')).isDirectory()).toBe(true);
  const script = statSync(join(out, 'run.sh'));
  expect([script.mode & 0o777, script.mtimeMs]).toEqual([0o751, 1_700_000_000_000]);
  expect(readlinkSync(join(out, 'link'))).toBe('../somewhere/' + 'c'.repeat(150));
  const names = readdirSync(out, { encoding: 'buffer' });
  expect(names.some((name) => name.equals(Buffer.from([0x66, 0xff, 0xfe])))).toBe(true);
  expect(readFileSync(join(out, 'large')).equals(Buffer.alloc(700_001, 7))).toBe(true);
});

it('takes what is there for what is asked, with a file that shrinks and one that goes while it reads', async () => {
  const shrinking = join(base, 'in', 'a-shrinking');
  writeFileSync(shrinking, Buffer.alloc(2_000_000, 1));
  writeFileSync(join(base, 'in', 'b-going'), 'x');
  writeFileSync(join(base, 'in', 'c-staying'), 'stays');
  async function* whileItChanges(): TarStream {
    let seen = 0;
    for await (const chunk of treeEntries(join(base, 'in'), 'top')) {
      yield chunk;
      seen += chunk.length;
      if (seen < 600_000) continue;
      truncateSync(shrinking, 0);
      rmSync(join(base, 'in', 'b-going'), { force: true });
    }
  }
  const out = join(await unpack(whileItChanges()), 'top');
  const shrunk = readFileSync(join(out, 'a-shrinking'));
  expect([shrunk.length, shrunk[0], shrunk.at(-1)]).toEqual([2_000_000, 1, 0]);
  expect(existsSync(join(out, 'b-going'))).toBe(false);
  expect(readFileSync(join(out, 'c-staying'), 'utf8')).toBe('stays');
});

it('leaves sockets out, and adds what is on no disk, for its owner alone', async () => {
  const server = createServer().listen(join(base, 'in', 'socket'));
  writeFileSync(join(base, 'in', 'file'), 'x');
  const out = await unpack(textEntry('about.json', '{}'), treeEntries(join(base, 'in'), 'top'));
  server.close();
  expect(readdirSync(join(out, 'top'))).toEqual(['file']);
  expect(readFileSync(join(out, 'about.json'), 'utf8')).toBe('{}');
  expect(statSync(join(out, 'about.json')).mode & 0o777).toBe(0o600);
});
