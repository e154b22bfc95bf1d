import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runTypeScript } from '../shared/child-for-tests.js';
import { openForTest, repositoryOptions, temporaryFolder } from '../shared/repository-for-tests.js';
import { lockRepository } from './repository-lock.js';

const holder = new URL('./hold-repository-for-tests.ts', import.meta.url);

describe('the lock of a repository', () => {
  it('is held by one, who is named', async () => {
    const folder = await temporaryFolder();
    const lock = await lockRepository(folder);
    await expect(lockRepository(folder)).rejects.toMatchObject({
      code: 'NOT_READY',
      message: `The repository ${folder} is in use by process ${process.pid}. Stop it first: there is one writer.`,
    });
    await lock.release();
    const next = await lockRepository(folder);
    await next.release();
    expect(existsSync(join(folder, 'fullstackagent.sock'))).toBe(false);
  });

  it('keeps a second process out, and is free when the first was killed', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const child = runTypeScript(holder, gitDir, repositoryOptions.searchPath);
    await child.printed(1);
    await expect(openForTest(gitDir)).rejects.toThrow(`in use by process ${child.process.pid ?? 0}.`);
    await child.kill();
    const repository = await openForTest(gitDir);
    expect(repository.path).toBe(gitDir);
  });

  it('goes to one of many who come at the same time, over a dead socket', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'fullstackagent.sock'), '');
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockRepository(folder)));
    const locks = results.filter((result) => result.status === 'fulfilled');
    expect(locks).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'NOT_READY' });
    await locks[0]?.value.release();
  });

  it('is seen through the socket alone, by whoever does not share the kernel’s names', async () => {
    const folder = await temporaryFolder();
    const other = createServer((socket) => socket.end('process 4711\n'));
    await new Promise<void>((resolve) => other.listen(join(folder, 'fullstackagent.sock'), resolve));
    await expect(lockRepository(folder)).rejects.toThrow('in use by process 4711.');
    await new Promise((resolve) => other.close(resolve));
    await (await lockRepository(folder)).release();
  });

  it('is held by a process that does not say who it is, too', async () => {
    const folder = await temporaryFolder();
    const silent = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => silent.listen(join(folder, 'fullstackagent.sock'), resolve));
    await expect(lockRepository(folder, 20)).rejects.toThrow('in use by another process.');
    await new Promise((resolve) => silent.close(resolve));
  });

  it('works at a path that no socket can have', async () => {
    const folder = join(await temporaryFolder(), 'long'.repeat(30));
    await mkdir(folder);
    const lock = await lockRepository(folder);
    await expect(lockRepository(folder)).rejects.toThrow(`in use by process ${process.pid}.`);
    await lock.release();
    await (await lockRepository(folder)).release();
  });

  it('of another repository is another one', async () => {
    const first = await lockRepository(await temporaryFolder());
    const second = await lockRepository(await temporaryFolder());
    await Promise.all([first.release(), second.release()]);
    expect(first).not.toBe(second);
  });
});
