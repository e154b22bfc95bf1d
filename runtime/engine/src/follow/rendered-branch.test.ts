import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RenderedRepository } from '../testing/rendered-repository.js';
import { gitEnvironment } from './git-environment.js';
import { RenderedBranch } from './rendered-branch.js';

const run = promisify(execFile);
const FOLDER = 'tenants/ab/ns-abcd1234/one';
const FILES = { [`${FOLDER}/a.yaml`]: 'kind: A\n', [`${FOLDER}/b.yaml`]: 'kind: B\n' };

let repository: RenderedRepository;
let branch: RenderedBranch;

beforeEach(async () => {
  repository = await RenderedRepository.create();
  branch = new RenderedBranch(repository.path);
});

afterEach(async () => {
  branch.close();
  await repository.remove();
});

/** Takes one object out of the repository, as a disk that fails would. */
async function lose(name: string): Promise<void> {
  const args = [`--git-dir=${repository.path}`, 'rev-parse', '--verify', name];
  const id = (await run('git', args, { env: gitEnvironment() })).stdout.trim();
  await rm(join(repository.path, 'objects', id.slice(0, 2), id.slice(2)));
}

describe('the files of a folder', () => {
  it('are those of the commit, and none where the commit does not have the folder', async () => {
    const commit = await repository.commit({ ...FILES, [`${FOLDER}/notes.txt`]: 'x' });
    expect((await branch.files(commit, FOLDER)).map(({ path }) => path)).toEqual(Object.keys(FILES));
    expect(await branch.files(commit, 'tenants/ab/ns-abcd1234/two')).toEqual([]);
    expect(await branch.files(commit, 'platform/tenants/ab/ns-abcd1234')).toEqual([]);
    expect(await branch.files(commit, `${FOLDER}/a.yaml/deeper`)).toEqual([]);
  });

  it.each([
    ['the commit', ''],
    ['its tree', '^{tree}'],
    ['a tree on the way', ':tenants/ab'],
    ['the tree of the folder', `:${FOLDER}`],
    ['a file', `:${FOLDER}/b.yaml`],
  ])('are not none when %s is lost', async (_what, name) => {
    const commit = await repository.commit(FILES);
    await lose(`${commit}${name}`);
    await expect(branch.files(commit, FOLDER)).rejects.toMatchObject({ name: 'UnreadableError' });
  });

  it('are not none when the repository is gone', async () => {
    const commit = await repository.commit(FILES);
    await repository.remove();
    await expect(branch.files(commit, FOLDER)).rejects.toMatchObject({ name: 'UnreadableError' });
  });
});
