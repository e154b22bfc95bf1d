import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { relativePath } from '../contract/files.js';
import { temporaryFolder } from '../shared/repository-for-tests.js';
import type { Runner } from './exec-stream.js';
import { UPLOAD } from './file-scripts.js';
import { SandboxFiles } from './files.js';
import { localRunner } from './local-runner-for-tests.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const PATH = process.env['PATH'] ?? '';

const runnerIn = (cwd: string): Runner => localRunner({ cwd, env: { PATH } });

async function open(
  unfinishedKeptMs?: number,
): Promise<{ files: SandboxFiles; root: string; outside: string }> {
  const folder = await temporaryFolder();
  const [root, outside] = [join(folder, 'workspace'), join(folder, 'outside')];
  await mkdir(root);
  await mkdir(outside);
  return { files: new SandboxFiles(runnerIn(root), unfinishedKeptMs), root, outside };
}

const upload = (
  files: SandboxFiles,
  [path, content]: readonly [string, Buffer | string],
  more: object = {},
): Promise<{ path: string }> => {
  const data = Buffer.from(content);
  const query = { path, upload: 'upload01', offset: 0, size: data.length, clash: 'refuse' as const, ...more };
  return files.upload(key, query, Readable.from([data]));
};

describe('a path', () => {
  it.each(['a', 'a/b.txt', '.env', '...', '-rf', "it's $(id)", 'Grüße 🙂', 'Icon\r', 'x'.repeat(255)])(
    'may be %j',
    (path) => {
      expect(relativePath.safeParse(path).success).toBe(true);
    },
  );

  it.each([
    ['nothing', ''],
    ['the root', '/etc/passwd'],
    ['a step up', '../x'],
    ['a step up on the way', 'a/../../x'],
    ['no step', 'a//b'],
    ['a step that goes nowhere', './a'],
    ['a NUL byte', 'a\0b'],
    ['a line end, which a shell would lose', 'link\n/x'],
    ['half a character', '\ud800'],
    ['a name that no file system takes', 'ü'.repeat(128)],
    ['more than the kernel takes', 'a/'.repeat(2048) + 'a'],
  ])('is not %s', (_what, path) => {
    expect(relativePath.safeParse(path).success).toBe(false);
  });
});

describe('an upload', () => {
  it('lands byte for byte, in folders that are made on the way, and leaves nothing else', async () => {
    const { files, root } = await open();
    const data = randomBytes(5_000_000);
    const { path } = await upload(files, ['a b/$(id)/it\'s "x".bin', data]);
    expect(path).toBe(join(root, 'a b/$(id)/it\'s "x".bin'));
    expect((await readFile(path)).equals(data)).toBe(true);
    expect(await readdir(join(root, 'a b/$(id)'))).toEqual(['it\'s "x".bin']);
  });

  it('of nothing is an empty file', async () => {
    const { files, root } = await open();
    await upload(files, ['empty', '']);
    expect((await readFile(join(root, 'empty'))).length).toBe(0);
  });

  it('asks what to do where the name is taken', async () => {
    const { files, root } = await open();
    await upload(files, ['x.txt', 'one']);
    await expect(upload(files, ['x.txt', 'two'])).rejects.toMatchObject({ code: 'NAME_TAKEN' });
    expect(await readFile(join(root, 'x.txt'), 'utf8')).toBe('one');
    expect((await upload(files, ['x.txt', 'two'], { clash: 'keep-both' })).path).toBe(join(root, 'x-1.txt'));
    expect((await upload(files, ['x.txt', 'three'], { clash: 'keep-both' })).path).toBe(
      join(root, 'x-2.txt'),
    );
    await upload(files, ['x.txt', 'four'], { clash: 'replace' });
    expect(await readFile(join(root, 'x.txt'), 'utf8')).toBe('four');
    await chmod(join(root, 'x.txt'), 0o750);
    await upload(files, ['x.txt', 'five'], { clash: 'replace' });
    expect((await stat(join(root, 'x.txt'))).mode & 0o777).toBe(0o750);
    await mkdir(join(root, 'folder'));
    await expect(upload(files, ['folder', 'x'], { clash: 'replace' })).rejects.toMatchObject({
      code: 'NAME_TAKEN',
    });
  });

  it('that broke off can be gone on with, and is not there before it is whole', async () => {
    const { files, root } = await open();
    const data = randomBytes(300_000);
    const broken = new PassThrough();
    const query = { path: 'big', upload: 'upload01', offset: 0, size: data.length, clash: 'refuse' as const };
    const first = files.upload(key, query, broken);
    broken.write(data.subarray(0, 200_000), () => broken.destroy(new Error('cable')));
    await expect(first).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(existsSync(join(root, 'big'))).toBe(false);
    const { received, exists } = await files.uploadState(key, query);
    expect(exists).toBe(false);
    const rest = data.subarray(received);
    await files.upload(key, { ...query, offset: received }, Readable.from(rest.length === 0 ? [] : [rest]));
    expect((await readFile(join(root, 'big'))).equals(data)).toBe(true);
  });

  it('of another length than was said is no file', async () => {
    const { files, root } = await open();
    await expect(upload(files, ['x', 'four'], { size: 5 })).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
    });
    await expect(upload(files, ['y', 'four'], { offset: 3, size: 7 })).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
    });
    expect([existsSync(join(root, 'x')), existsSync(join(root, 'y'))]).toEqual([false, false]);
  });

  it('that nobody goes on with can be forgotten', async () => {
    const { files, root } = await open();
    await expect(upload(files, ['x', 'four'], { size: 5 })).rejects.toBeDefined();
    expect(await readdir(root)).toHaveLength(1);
    await files.cancelUpload(key, { path: 'x', upload: 'upload01' });
    expect(await readdir(root)).toEqual([]);
  });

  it('that breaks off and is not asked about again is forgotten without a word', async () => {
    const { files, root } = await open(50);
    const broken = new PassThrough();
    const query = { path: 'big', upload: 'upload01', offset: 0, size: 10, clash: 'refuse' as const };
    const first = files.upload(key, query, broken);
    broken.write('half');
    await expect.poll(() => readdir(root)).toHaveLength(1);
    broken.destroy(new Error('the page is gone'));
    await expect(first).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect.poll(() => readdir(root)).toEqual([]);
    // Whoever comes back after all begins anew.
    expect(await files.uploadState(key, query)).toMatchObject({ received: 0 });
    await files.upload(key, query, Readable.from(['0123456789']));
    expect(await readdir(root)).toEqual(['big']);
  });

  it('is ended before what came of it is removed, and a part of it that was overtaken is not taken', async () => {
    const { root } = await open();
    const steps: string[] = [];
    let begin = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const files = new SandboxFiles({
      run: async (_key, command) => {
        const step = command.includes(UPLOAD) ? 'upload' : 'removal';
        if (step === 'upload') await held;
        steps.push(step);
        const program = await runnerIn(root).run(key, command);
        return { ...program, ended: program.ended.finally(() => steps.push(`end of ${step}`)) };
      },
    });
    const content = new PassThrough();
    const query = { path: 'big', upload: 'upload01', offset: 0, size: 10, clash: 'refuse' as const };
    const first = expect(files.upload(key, query, content)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await setImmediate();
    // Its program is on its way to the sandbox, and no part is there yet.
    const forgotten = files.cancelUpload(key, query);
    await setImmediate();
    begin();
    await Promise.all([first, forgotten]);
    expect(steps).toEqual(['upload', 'end of upload', 'removal', 'end of removal']);
    await expect(files.upload(key, query, Readable.from(['half']))).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
    });
    expect(await readdir(root)).toEqual([]);
  });

  it('of a client that left while it waited begins nothing', async () => {
    const { files, root } = await open();
    const gone = new PassThrough();
    gone.destroy();
    const query = { path: 'x', upload: 'upload01', offset: 0, size: 4, clash: 'refuse' as const };
    await expect(files.upload(key, query, gone)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await readdir(root)).toEqual([]);
  });

  it('follows no link out of the folder', async () => {
    const { files, root, outside } = await open();
    await symlink(outside, join(root, 'link'));
    await writeFile(join(outside, 'secret'), 'theirs');
    await symlink(join(outside, 'secret'), join(root, 'file'));
    await expect(upload(files, ['link/x', 'mine'])).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await upload(files, ['file', 'mine'], { clash: 'replace' });
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('theirs');
    expect(await readdir(outside)).toEqual(['secret']);
  });
});

describe('a download', () => {
  it('of a file is its bytes and its size', async () => {
    const { files, root } = await open();
    const data = randomBytes(3_000_000);
    await writeFile(join(root, '-rf'), data);
    const { size, content } = await files.download(key, { path: '-rf' });
    expect(size).toBe(data.length);
    expect((await buffer(content)).equals(data)).toBe(true);
  });

  it('of an empty file ends at once', async () => {
    const { files, root } = await open();
    await writeFile(join(root, 'empty'), '');
    const { size, content } = await files.download(key, { path: 'empty' });
    expect([size, (await buffer(content)).length]).toEqual([0, 0]);
  });

  it('of a folder is a gzipped tar with everything below it', async () => {
    const { files, root, outside } = await open();
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    await writeFile(join(root, 'a', 'b', 'c'), 'content');
    const { size, content } = await files.download(key, { path: 'a' });
    expect(size).toBeUndefined();
    const tar = spawn('tar', ['-xzf', '-', '-C', outside]);
    const unpacked = new Promise((resolve) => tar.once('close', resolve));
    content.pipe(tar.stdin);
    expect(await unpacked).toBe(0);
    expect(await readFile(join(outside, 'a', 'b', 'c'), 'utf8')).toBe('content');
  });

  it('goes nowhere else', async () => {
    const { files, root, outside } = await open();
    await writeFile(join(outside, 'secret'), 'theirs');
    await symlink(outside, join(root, 'link'));
    await expect(files.download(key, { path: 'link/secret' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(files.download(key, { path: 'none' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

const SESSION = `tab-${process.pid}`;

it('goes where the terminal session is', async () => {
  const { files, root } = await open();
  await mkdir(join(root, 'deep'));
  const shell = spawn('sh', ['-c', 'echo ready; exec sleep 60'], {
    cwd: join(root, 'deep'),
    env: { PATH, FULLSTACKAGENT_SESSION: SESSION },
  });
  onTestFinished(() => void shell.kill());
  await once(shell.stdout, 'data');
  const data = 'here';
  const { path } = await upload(files, ['x', data], { session: SESSION });
  expect(path).toBe(join(root, 'deep', 'x'));
  expect(
    createHash('sha1')
      .update(await readFile(path))
      .digest('hex'),
  ).toBe(createHash('sha1').update(data).digest('hex'));
  expect((await upload(files, ['x', data], { session: 'unknown' })).path).toBe(join(root, 'x'));
});

it('is forgotten where it was begun, though the session is elsewhere by now', async () => {
  const { files, root } = await open();
  await mkdir(join(root, 'deep'));
  const session = `${SESSION}-moved`;
  const shell = spawn('sh', ['-c', 'echo ready; exec sleep 60'], {
    cwd: join(root, 'deep'),
    env: { PATH, FULLSTACKAGENT_SESSION: session },
  });
  onTestFinished(() => void shell.kill());
  await once(shell.stdout, 'data');
  await expect(upload(files, ['x', 'half'], { session, size: 5 })).rejects.toBeDefined();
  expect(await readdir(join(root, 'deep'))).toHaveLength(1);
  shell.kill();
  await once(shell, 'exit');
  await files.cancelUpload(key, { session, path: 'x', upload: 'upload01' });
  expect(await readdir(join(root, 'deep'))).toEqual([]);
});
