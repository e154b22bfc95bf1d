import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openForTest, repositoryOptions, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { Maintenance } from './maintenance.js';
import { blob } from './object.js';
import { packCount, writePack } from './pack-store.js';
import { plainProjection } from './plain-projection.js';
import { openRepository } from './repository.js';

const author = { name: 'A', email: 'a@example.com', at: new Date('2026-11-23T08:00:00Z') };

describe('opening a repository', () => {
  it('makes a bare one, folders above it too, that begins on main', async () => {
    const gitDir = join(await temporaryFolder(), 'not', 'there', 'yet', 'gitops.git');
    await openForTest(gitDir);
    expect(stockGit(gitDir, 'rev-parse', '--is-bare-repository')).toBe('true');
    expect(await readFile(join(gitDir, 'HEAD'), 'utf8')).toBe('ref: refs/heads/main\n');
    expect(stockGit(gitDir, 'config', 'gc.auto')).toBe('0');
  });

  it('sets what it needs anew at each start, and leaves what a person set', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    await (await openForTest(gitDir)).close();
    stockGit(gitDir, 'config', 'user.name', 'Operator');
    await writeFile(join(gitDir, 'fullstackagent.config'), '[gc]\n\tauto = 100\n');
    await (await openForTest(gitDir)).close();
    expect(stockGit(gitDir, 'config', '--get-all', 'gc.auto')).toBe('0');
    expect(stockGit(gitDir, 'config', '--get-all', 'include.path')).toBe('fullstackagent.config');
    expect(stockGit(gitDir, 'config', 'user.name')).toBe('Operator');
  });

  it('takes a path as it is seen from here', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const repository = await openForTest(relative(process.cwd(), gitDir));
    expect(repository.path).toBe(gitDir);
    const main = await repository.branch('main', plainProjection);
    const edits = [{ path: 'a', content: 'x' }];
    await main.submit(() => ({ author, committer: author, message: 'On', edits }));
    expect(stockGit(gitDir, 'show', 'main:a')).toBe('x');
  });

  it('has only branches of plain names', async () => {
    const repository = await openForTest(join(await temporaryFolder(), 'gitops.git'));
    for (const name of ['', '../main', 'a..b', 'main.lock', '-x', 'a b', 'HEAD'])
      await expect(repository.branch(name, plainProjection)).rejects.toMatchObject({ code: 'INTERNAL' });
  });

  it('ends what is under way before it closes, and twice is once', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const repository = await openForTest(gitDir);
    const main = await repository.branch('main', plainProjection);
    const edits = [{ path: 'a', content: 'x' }];
    const written = main.submit(() => ({ author, committer: author, message: 'Last', edits }));
    await Promise.all([repository.close(), repository.close()]);
    expect(stockGit(gitDir, 'rev-parse', 'main')).toBe((await written).commit);
    await expect(repository.readBlobs(['1'.repeat(40)])).rejects.toThrow('closed');
  });

  it('says what is in the way', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await expect(openRepository(file, repositoryOptions)).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const noGit = { ...repositoryOptions, searchPath: '/nonexistent' };
    await expect(openRepository(gitDir, noGit)).rejects.toThrow('git cannot be started.');
    // It gave the lock back.
    await openForTest(gitDir);
  });

  it('is not led astray by the environment or by anybody’s configuration', async () => {
    const folder = await temporaryFolder();
    const traps = {
      GIT_DIR: '/nonexistent',
      GIT_OBJECT_DIRECTORY: folder,
      GIT_CONFIG_PARAMETERS: "'core.bare=false'",
    };
    const before = { ...process.env };
    Object.assign(process.env, traps, { HOME: folder });
    await writeFile(
      join(folder, '.gitconfig'),
      '[log]\n\tshowSignature = true\n[core]\n\tquotePath = true\n',
    );
    try {
      const repository = await openForTest(join(folder, 'gitops.git'));
      const main = await repository.branch('main', plainProjection);
      const edits = [{ path: 'a/ü', content: 'x' }];
      const { commit } = await main.submit(() => ({ author, committer: author, message: 'On', edits }));
      const [entry] = await repository.log({ from: commit, order: 'newest first', files: true });
      expect(entry).toMatchObject({ commit, files: [{ path: 'a/ü' }] });
      expect([...(await repository.snapshotAt(commit)).files()].map(({ path }) => path)).toEqual(['a/ü']);
    } finally {
      for (const name of Object.keys(traps)) Reflect.deleteProperty(process.env, name);
      process.env['HOME'] = before['HOME'];
    }
  });

  it.runIf(process.getuid?.() === 0)('works on a folder of another user’s, as root does', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    await (await openForTest(gitDir)).close();
    execFileSync('chown', ['-R', '12345:12345', gitDir]);
    const repository = await openForTest(gitDir);
    const main = await repository.branch('main', plainProjection);
    const edits = [{ path: 'a', content: 'x' }];
    const { commit } = await main.submit(() => ({ author, committer: author, message: 'On', edits }));
    const [entry] = await repository.log({ from: commit, limit: 1, order: 'newest first', files: true });
    expect(entry).toMatchObject({ commit, subject: 'On', files: [{ path: 'a' }] });
  });
});

describe('a push past the portal', () => {
  async function cloneOf(gitDir: string): Promise<string> {
    const clone = join(await temporaryFolder(), 'clone');
    stockGit(gitDir, 'clone', '--quiet', `file://${gitDir}`, clone);
    stockGit(clone, 'config', 'user.name', 'Operator');
    stockGit(clone, 'config', 'user.email', 'operator@example.com');
    return clone;
  }

  it('goes forward on main only, and never onto what is rendered', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    const repository = await openForTest(gitDir);
    for (const name of ['main', 'rendered']) {
      const branch = await repository.branch(name, plainProjection);
      await branch.submit(() => ({
        author,
        committer: author,
        message: 'First',
        edits: [{ path: 'a', content: name }],
      }));
    }
    const clone = await cloneOf(gitDir);
    stockGit(clone, 'commit', '--quiet', '--allow-empty', '-m', 'Forward');
    stockGit(clone, 'push', '--quiet', 'origin', 'main');
    expect(stockGit(gitDir, 'log', '-1', '--format=%s', 'main')).toBe('Forward');
    stockGit(clone, 'commit', '--quiet', '--amend', '--allow-empty', '-m', 'Rewritten');
    for (const refused of [
      ['--force', 'origin', 'main'],
      ['origin', ':main'],
      ['origin', 'HEAD:rendered'],
    ])
      expect(() => stockGit(clone, 'push', '--quiet', ...refused)).toThrow();
    expect(stockGit(gitDir, 'log', '-1', '--format=%s', 'main')).toBe('Forward');
  });
});

describe('maintenance', () => {
  it('puts many packs together and loses nothing, referenced or not, while readers go on', async () => {
    const gitDir = join(await temporaryFolder(), 'gitops.git');
    await mkdir(gitDir);
    const repository = await openForTest(gitDir);
    const main = await repository.branch('main', plainProjection);
    const unreferenced = blob('nobody points to it yet');
    await writePack(gitDir, [unreferenced]);
    for (let count = 0; count < 90; count++)
      await main.submit(() => ({
        author,
        committer: author,
        message: `${count}`,
        edits: [{ path: `f${count}`, content: `${count}` }],
      }));
    await expect.poll(() => packCount(gitDir)).toBeLessThan(60);
    expect(stockGit(gitDir, 'rev-list', '--count', 'main')).toBe('90');
    const ids = [...main.snapshot().files()].map((file) => file.blob);
    expect(await repository.readBlobs([...ids, unreferenced.id])).toHaveLength(91);
    await repository.close();
    expect(stockGit(gitDir, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
  });

  it('that fails is told, and tried again later', async () => {
    const told: string[] = [];
    const location = {
      gitDir: join(await temporaryFolder(), 'none'),
      searchPath: repositoryOptions.searchPath,
    };
    const maintenance = new Maintenance(location, { warn: (_context, message) => told.push(message) });
    for (let count = 0; count < 40; count++) maintenance.packWritten();
    await maintenance.idle();
    for (let count = 0; count < 40; count++) maintenance.packWritten();
    await maintenance.idle();
    expect(told).toHaveLength(2);
  });
});
