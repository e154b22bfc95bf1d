import { execFileSync } from 'node:child_process';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SnapshotStore } from './snapshot-store.js';

const owner = { namespace: 'ns-abcd1234', project: 'blog' };
const command = 'node app.js';
const imageOf = (digest: string, project = 'blog'): string =>
  `snapshot.local/ns-abcd1234/${project}@${digest}`;

let folder: string;
let workspace: string;
let store: SnapshotStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-snapshots-'));
  workspace = join(folder, 'workspace');
  await mkdir(join(workspace, 'src'), { recursive: true });
  await writeFile(join(workspace, 'src', 'app.js'), 'first');
  store = await SnapshotStore.open(join(folder, 'snapshots'), { kept: 2 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const take = () => store.take(owner, { folder: workspace, command });
const kept = async (): Promise<string[]> =>
  (await readdir(join(folder, 'snapshots', 'ns-abcd1234', 'blog'))).sort();

describe('a snapshot', () => {
  it('is named by what is in it and how it is started', async () => {
    const first = await take();
    expect(first).toMatchObject({ command, files: 1, bytes: 5 });
    expect(await take()).toEqual(first);
    expect(await kept()).toHaveLength(1);
    const started = await store.take(owner, { folder: workspace, command: 'other' });
    await writeFile(join(workspace, 'src', 'app.js'), 'other');
    const changed = await take();
    expect(new Set([first.digest, started.digest, changed.digest]).size).toBe(3);
  });

  it('is told apart by names, modes and links too', async () => {
    const digests = new Set([(await take()).digest]);
    const steps = [
      () => chmod(join(workspace, 'src', 'app.js'), 0o755),
      () => mkdir(join(workspace, 'empty')),
      () => symlink('src/app.js', join(workspace, 'link')),
      () => writeFile(join(workspace, 'a\n["b'), ''),
    ];
    for (const step of steps) {
      await step();
      digests.add((await take()).digest);
    }
    expect(digests.size).toBe(steps.length + 1);
  });

  it('does not follow what happens in the workspace, nor in a copy of it', async () => {
    const { digest } = await take();
    await writeFile(join(workspace, 'src', 'app.js'), 'second');
    await store.unpack(imageOf(digest), owner, join(folder, 'one'));
    await writeFile(join(folder, 'one', 'src', 'app.js'), 'overwritten');
    await store.unpack(imageOf(digest), owner, join(folder, 'two'));
    expect(await readFile(join(folder, 'two', 'src', 'app.js'), 'utf8')).toBe('first');
  });

  it('keeps links as links, and has no history, sockets or pipes', async () => {
    await mkdir(join(workspace, '.git'));
    await writeFile(join(workspace, '.git', 'config'), 'secret');
    await symlink('/etc/passwd', join(workspace, 'outside'));
    await symlink(join(workspace, 'src'), join(workspace, 'inside'));
    execFileSync('mkfifo', [join(workspace, 'pipe')]);
    const { digest } = await take();
    await store.unpack(imageOf(digest), owner, join(folder, 'copy'));
    expect((await readdir(join(folder, 'copy'))).sort()).toEqual(['inside', 'outside', 'src']);
    expect(await readlink(join(folder, 'copy', 'outside'))).toBe('/etc/passwd');
    expect(await readlink(join(folder, 'copy', 'inside'))).toBe('src');
  });

  it('keeps programs runnable', async () => {
    await chmod(join(workspace, 'src', 'app.js'), 0o755);
    const { digest } = await take();
    await store.unpack(imageOf(digest), owner, join(folder, 'copy'));
    expect((await stat(join(folder, 'copy', 'src', 'app.js'))).mode & 0o111).not.toBe(0);
  });

  it('is another project’s for nobody else', async () => {
    const { digest } = await take();
    const other = { ...owner, project: 'shop' };
    for (const image of [
      imageOf(digest),
      imageOf(digest, 'shop'),
      imageOf(`sha256:${'0'.repeat(64)}`, 'shop'),
    ])
      expect(await store.unpack(image, other, join(folder, 'copy'))).toBeUndefined();
  });

  it('of names that are no names of folders is not taken', async () => {
    const bad = store.take({ namespace: '..', project: 'x' }, { folder: workspace, command });
    await expect(bad).rejects.toThrow('not a name');
  });

  it('that would be too large leaves nothing behind', async () => {
    store = await SnapshotStore.open(join(folder, 'snapshots'), { limits: { files: 10, bytes: 4 } });
    await expect(take()).rejects.toThrow('too large');
    expect(await kept()).toEqual([]);
  });
});

describe('old snapshots', () => {
  it('go, but for those in use', async () => {
    const taken: string[] = [];
    for (const content of ['1', '2', '3', '4']) {
      await writeFile(join(workspace, 'src', 'app.js'), content);
      const inUse = new Set(taken.slice(0, 1));
      taken.push((await store.take(owner, { folder: workspace, command }, inUse)).digest);
    }
    const left = taken.filter((_, index) => index !== 1).map((digest) => digest.slice('sha256:'.length));
    expect(await kept()).toEqual(left.sort());
  });

  it('go with their project', async () => {
    const { digest } = await take();
    await store.forget(owner);
    expect(await store.unpack(imageOf(digest), owner, join(folder, 'copy'))).toBeUndefined();
  });

  it('and half ones of a crash are cleared away at the start', async () => {
    await take();
    await mkdir(join(folder, 'snapshots', 'ns-abcd1234', 'blog', 'abc.new', 'app'), { recursive: true });
    await SnapshotStore.open(join(folder, 'snapshots'));
    expect(await kept()).toHaveLength(1);
  });
});
