import { chmod, chown, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locateBinaries } from './binaries.js';
import { chooseIdentity, unprivilegedUser } from './identity.js';
import { prepareTemplate } from './template.js';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-identity-'));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

describe('who PostgreSQL runs as', () => {
  it('reaches programs in a folder that is closed to others, as a clone in /root has them', async ({
    skip,
  }) => {
    if (process.getuid?.() !== 0) skip('a normal user runs PostgreSQL as himself');
    await chmod(base, 0o700);
    const { initdb } = await locateBinaries();
    await cp(dirname(dirname(initdb)), join(base, 'native'), { recursive: true, verbatimSymlinks: true });
    const bin = join(base, 'native', 'bin');
    const binaries = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
    const root = join(base, 'root');
    await mkdir(root);
    const identity = await chooseIdentity({ initdb: binaries.initdb, dataRoot: root });
    expect(identity.kind).toBe('dropped-keeping-search');
    expect((await prepareTemplate({ root, binaries, identity })).password).toMatch(/^[0-9a-f]{48}$/);
  });

  it('is nobody where root starts it and the way is open, and the same user elsewhere', async ({ skip }) => {
    const { initdb } = await locateBinaries();
    if (process.getuid?.() !== 0) {
      expect(await chooseIdentity({ initdb, dataRoot: base })).toEqual({ kind: 'same' });
      return;
    }
    await chmod(base, 0o755);
    const identity = await chooseIdentity({ initdb, dataRoot: base });
    if (identity.kind === 'dropped-keeping-search')
      skip('the repository is in a folder that is closed to others');
    expect(identity).toEqual({ kind: 'dropped', ...(await unprivilegedUser()) });
  });

  it('says in one line what to do when nothing works', async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('a normal user runs PostgreSQL as himself');
    const nowhere = join(base, 'no', 'initdb');
    await chown(base, 0, 0);
    await expect(chooseIdentity({ initdb: nowhere, dataRoot: base })).rejects.toMatchObject({
      code: 'PATH_CLOSED',
      message: expect.stringMatching(/^PostgreSQL does not run as root, [^\n]*chmod o\+x[^\n]*$/) as string,
    });
  });
});
