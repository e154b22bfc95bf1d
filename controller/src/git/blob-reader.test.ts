import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { BlobReader } from './blob-reader.js';
import { blob } from './object.js';
import { writePack } from './pack-store.js';

async function readerOf(
  ...texts: readonly string[]
): Promise<{ reader: BlobReader; gitDir: string; ids: string[] }> {
  const gitDir = await temporaryFolder();
  stockGit(gitDir, 'init', '--quiet', '--bare', '.');
  const blobs = texts.map((text) => blob(text));
  await writePack(gitDir, blobs);
  const reader = new BlobReader({ gitDir, searchPath: repositoryOptions.searchPath });
  return { reader, gitDir, ids: blobs.map(({ id }) => id) };
}

const childrenOf = (pid: number): string =>
  execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' });

/** The process id of the reader's git, which works on a folder that no other test has. */
function gitOf(gitDir: string): number {
  const line = childrenOf(process.pid)
    .split('\n')
    .find((text) => text.includes(gitDir));
  return Number(line?.trim().split(' ')[0]);
}

describe('reading blobs', () => {
  it('answers each question with its own blob, in any order, of any size', async () => {
    const texts = ['', '\n', 'a\nb', 'x'.repeat(300_000), 'missing', 'Grüße', 'y'.repeat(65_536)];
    const { reader, ids } = await readerOf(...texts);
    const order = [3, 0, 6, 1, 2, 5, 4, 3, 0];
    const contents = await Promise.all(order.map((at) => reader.read(ids[at] ?? '')));
    expect(contents.map((content) => content.toString('utf8'))).toEqual(order.map((at) => texts[at]));
    await reader.close();
  });

  it('answers five thousand questions asked at once', async () => {
    const texts = Array.from({ length: 5_000 }, (_, at) => `document ${at}`);
    const { reader, ids } = await readerOf(...texts);
    const contents = await Promise.all(ids.map((id) => reader.read(id)));
    expect(contents.map((content) => content.toString('utf8'))).toEqual(texts);
    await reader.close();
  });

  it('says which object is missing, and goes on', async () => {
    const { reader, ids } = await readerOf('here');
    const results = await Promise.allSettled(
      ['0'.repeat(39) + '1', ids[0] ?? ''].map((id) => reader.read(id)),
    );
    expect(results[0]).toMatchObject({ status: 'rejected', reason: { code: 'STORAGE_UNAVAILABLE' } });
    expect(results[1]).toMatchObject({ status: 'fulfilled' });
    await reader.close();
  });

  it.each(['', 'HEAD', '-h', `${'0'.repeat(40)}\n`, 'main:secret'])(
    'asks git nothing but ids: %j',
    async (id) => {
      const { reader } = await readerOf('x');
      await expect(reader.read(id)).rejects.toThrow('is no object id');
      await reader.close();
    },
  );

  it('finds what was written after it began', async () => {
    const { reader, gitDir, ids } = await readerOf('first');
    await reader.read(ids[0] ?? '');
    await writePack(gitDir, [blob('second')]);
    expect((await reader.read(blob('second').id)).toString()).toBe('second');
    await reader.close();
  });

  it('starts git again after it died', async () => {
    const { reader, gitDir, ids } = await readerOf('still here');
    await reader.read(ids[0] ?? '');
    const pid = gitOf(gitDir);
    process.kill(pid, 'SIGKILL');
    // What was asked of the dead one is refused or answered; what is asked then is answered.
    await reader.read(ids[0] ?? '').catch(() => undefined);
    await expect.poll(() => childrenOf(process.pid)).not.toContain(`${pid} git`);
    expect((await reader.read(ids[0] ?? '')).toString()).toBe('still here');
    await reader.close();
  });

  it('ends its git, and answers nothing afterwards', async () => {
    const { reader, gitDir, ids } = await readerOf('x');
    await reader.read(ids[0] ?? '');
    await reader.close();
    expect(childrenOf(process.pid)).not.toContain(gitDir);
    await expect(reader.read(ids[0] ?? '')).rejects.toThrow('closed');
  });

  it('says so where git is not there', async () => {
    const { gitDir, ids } = await readerOf('x');
    const reader = new BlobReader({ gitDir, searchPath: '/nonexistent' });
    await expect(reader.read(ids[0] ?? '')).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await reader.close();
  });
});
