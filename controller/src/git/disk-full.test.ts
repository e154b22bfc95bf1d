import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { runTypeScriptAfter, type TestChild } from '../shared/child-for-tests.js';
import { repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';

const writer = new URL('./commit-on-small-disk-for-tests.ts', import.meta.url);
const SMALL = 'mount -t tmpfs -o mode=755,size=6m tmpfs "$1"; shift; exec "$@"';

const commits = ({ lines }: TestChild): readonly string[] =>
  lines.filter((line) => /^[0-9a-f]{40}$/.test(line));
const refusals = ({ lines }: TestChild): readonly string[] =>
  lines.filter((line) => line.startsWith('refused '));

const until = (isSo: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(isSo()).toBe(true), { timeout: 30_000, interval: 20 });

describe('a writer whose disk is full', () => {
  it.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'refuses with the reason, loses nothing that it acknowledged, and goes on when there is room (only as root)',
    async () => {
      const folder = await temporaryFolder();
      const inNamespace = ['unshare', '--mount', '--propagation', 'private', '--'];
      const child = runTypeScriptAfter(
        [...inNamespace, 'sh', '-ec', SMALL, 'sh', folder],
        writer,
        ...[join(folder, 'gitops.git'), repositoryOptions.searchPath],
      );
      await until(() => commits(child).length >= 10);
      // As this process sees the disk, which it has no part in.
      const seen = join('/proc', String(child.process.pid), 'root', folder);
      const filler = join(seen, 'filler');
      await writeFile(filler, Buffer.alloc(1 << 20));
      await until(() => refusals(child).length >= 5);
      const [refused = ''] = refusals(child);
      expect(refused).toMatch(/^refused STORAGE_UNAVAILABLE .*The disk is full\.$/);
      const before = commits(child).length;

      await rm(filler);
      await until(() => commits(child).length >= before + 5);
      child.process.kill('SIGSTOP');
      const packs = join(seen, 'gitops.git', 'objects', 'pack');
      // Nothing of a git that filled what was left of the disk; one that still runs may end.
      await vi.waitFor(
        async () => expect((await readdir(packs)).filter((name) => name.startsWith('tmp_pack_'))).toEqual([]),
        { timeout: 30_000 },
      );
      const repository = join(await temporaryFolder(), 'gitops.git');
      const filter = (name: string): boolean => !name.endsWith('.sock');
      await cp(join(seen, 'gitops.git'), repository, { recursive: true, filter });
      child.process.kill('SIGCONT');
      const present = new Set(stockGit(repository, 'rev-list', 'main').split('\n'));
      expect(commits(child).filter((commit) => !present.has(commit))).toEqual([]);
      expect(stockGit(repository, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
    },
    60_000,
  );
});
