import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ContainerLog, removeOldLogs, type LogLine } from './index.js';

let folder: string;
let log: ContainerLog;
const NOW = new Date('2026-01-02T03:04:05.678Z');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-log-'));
  log = new ContainerLog({ folder: join(folder, 'pod'), now: () => NOW, maxBytes: 4096 });
  log.begin();
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

const say = async (sink: Writable, ...chunks: readonly (string | Buffer)[]): Promise<void> => {
  for (const chunk of chunks) await new Promise((resolve) => sink.write(chunk, resolve));
};
const texts = (lines: readonly LogLine[] = []): readonly string[] => lines.map(({ text }) => text);

describe('the log of a container', () => {
  it('keeps lines with their times, in the format of container runtimes, for its owner alone', async () => {
    await say(log.sink('stdout'), 'one\ntw', 'o\n');
    await say(log.sink('stderr'), 'three\n');
    const path = join(folder, 'pod', 'current.log');
    expect(await readFile(path, 'utf8')).toBe(
      ['stdout F one', 'stdout F two', 'stderr F three']
        .map((line) => `2026-01-02T03:04:05.678000000Z ${line}\n`)
        .join(''),
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await log.current()).toContainEqual({
      at: '2026-01-02T03:04:05.678000000Z',
      text: 'two',
      ends: true,
    });
    expect(log.tail).toBe('one\ntwo\nthree\n');
  });

  it('says at the end what was said without the end of a line, and cuts no character', async () => {
    const sink = log.sink('stdout');
    const bytes = Buffer.from('größe');
    await say(sink, bytes.subarray(0, 3), bytes.subarray(3));
    expect(await log.current()).toEqual([]);
    sink.end();
    await finished(sink);
    expect(texts(await log.current())).toEqual(['größe']);
  });

  it('keeps a line that does not end in parts, and none of it in memory', async () => {
    const sink = log.sink('stdout');
    await say(sink, 'x'.repeat(40_000), '\nnext\n');
    const lines = await log.current();
    expect(lines.map(({ text, ends }) => [text.length, ends])).toEqual([
      [16_384, false],
      [16_384, false],
      [7232, true],
      [4, true],
    ]);
  });

  it('stays below about twice its limit, and loses the oldest', async () => {
    const sink = log.sink('stdout');
    for (let number = 0; number < 400; number += 1) await say(sink, `line ${number}\n`);
    const lines = texts(await log.current());
    expect(lines.at(-1)).toBe('line 399');
    expect(lines.length).toBeLessThan(300);
    const sizes = await Promise.all(
      (await readdir(join(folder, 'pod'))).map(async (name) => (await stat(join(folder, 'pod', name))).size),
    );
    expect(Math.max(...sizes)).toBeLessThan(4096 + 100);
  });

  it('has the life before beside this one, and a late word of that one in neither', async () => {
    const late = log.sink('stdout');
    await say(late, 'first\n');
    log.begin();
    await say(log.sink('stdout'), 'second\n');
    await say(late, 'late\n');
    expect([texts(await log.current()), texts(await log.previous())]).toEqual([['second'], ['first']]);
    expect(log.tail).toBe('second\n');
    log.begin();
    expect([texts(await log.current()), texts(await log.previous())]).toEqual([[], ['second']]);
  });

  it('is there again after a restart, as what was before', async () => {
    expect(await log.previous()).toBeUndefined();
    await say(log.sink('stdout'), 'before\n');
    await log.close();
    log = new ContainerLog({ folder: join(folder, 'pod'), now: () => NOW });
    log.begin();
    expect(texts(await log.previous())).toEqual(['before']);
  });

  it('tells who follows each line once, whenever they came', async () => {
    const sink = log.sink('stdout');
    const writing = (async () => {
      for (let number = 0; number < 200; number += 1) await say(sink, `${number}\n`);
    })();
    const following = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const own: string[] = [];
        const { lines, stop } = await log.follow(({ text }) => own.push(text));
        return { own, stop, before: texts(lines) };
      }),
    );
    await writing;
    for (const { own, stop, before } of following) {
      expect([...before, ...own]).toEqual(Array.from({ length: 200 }, (_, number) => String(number)));
      stop();
    }
  });
});

it('logs of pods that were not seen for a week are taken away', async () => {
  const of = async (name: string, at: Date): Promise<void> => {
    await mkdir(join(folder, 'logs', 'ns', name), { recursive: true });
    await writeFile(join(folder, 'logs', 'ns', name, 'current.log'), 'x');
    await utimes(join(folder, 'logs', 'ns', name, 'current.log'), at, at);
  };
  await of('young', new Date(NOW.getTime() - 6 * 86_400_000));
  await of('old', new Date(NOW.getTime() - 8 * 86_400_000));
  await removeOldLogs(join(folder, 'logs'), NOW);
  expect(await readdir(join(folder, 'logs', 'ns'))).toEqual(['young']);
  await removeOldLogs(join(folder, 'nothing'), NOW);
});

const root = process.getuid?.() === 0 && process.platform === 'linux';

/** Another file system of a megabyte. */
async function smallDisk(): Promise<string | undefined> {
  const path = join(folder, 'disk');
  await mkdir(path);
  const [code] = (await once(
    spawn('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', path], { stdio: 'ignore' }),
    'close',
  )) as [number | null];
  return code === 0 ? path : undefined;
}

it.runIf(root)(
  'a full disk costs lines and nothing else (only as root, who can mount a small one)',
  async (context) => {
    const disk = await smallDisk();
    if (disk === undefined) {
      context.skip('nothing can be mounted here');
      return;
    }
    const full = new ContainerLog({ folder: join(disk, 'pod'), now: () => NOW });
    try {
      full.begin();
      await writeFile(join(disk, 'ballast'), Buffer.alloc(900 << 10));
      const sink = full.sink('stdout');
      for (let number = 0; number < 200; number += 1) await say(sink, `${'y'.repeat(2000)} ${number}\n`);
      expect(full.tail).toContain('y 199\n');
      const kept = await full.current();
      expect(kept.length).toBeLessThan(200);
      await rm(join(disk, 'ballast'));
      await say(sink, 'room again\n');
      expect(texts(await full.current()).at(-1)).toContain('room again');
    } finally {
      await full.close();
      await once(spawn('umount', [disk], { stdio: 'ignore' }), 'close');
    }
  },
);
