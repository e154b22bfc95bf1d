import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isShown, type Isolation } from '../isolation/index.js';
import { claudeOnPath } from './claude-code.js';

let root: string;
const none: Isolation = { kind: 'none', reason: 'A test.' };
const bubblewrap: Isolation = {
  kind: 'bubblewrap',
  programs: { bwrap: '', nsenter: '', setpriv: '', unshare: '', sh: '', pasta: undefined },
  asRoot: false,
  stage: '',
  network: { own: true },
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-claude-'));
  await mkdir(join(root, 'bin'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

const program = (): string => join(root, 'bin', 'claude');

async function install(): Promise<void> {
  await writeFile(program(), '#!/bin/sh\n');
  await chmod(program(), 0o755);
}

describe("the machine's own Claude Code", () => {
  const path = (): string => `relative:${join(root, 'empty')}:${join(root, 'bin')}`;

  it('is none where there is none, or one that cannot be run', async () => {
    expect(await claudeOnPath(path(), none)).toBeUndefined();
    await writeFile(program(), 'text');
    expect(await claudeOnPath(path(), none)).toBeUndefined();
  });

  it('is what sandboxes use where they are not isolated', async () => {
    await install();
    expect(await claudeOnPath(path(), none)).toEqual({ path: program(), shown: true });
  });

  it('is named, and not used, where isolated sandboxes do not see it', async () => {
    await install();
    expect(await claudeOnPath(path(), bubblewrap)).toEqual({ path: program(), shown: false });
  });
});

describe('what isolated sandboxes see', () => {
  it.each(['/usr/bin/env', '/bin/sh'])('has the programs of the system: %s', async (path) => {
    expect(await isShown(path, [])).toBe(true);
  });

  it('has what is given to them, and not what a link in it leads to', async () => {
    await install();
    const bind = { source: join(root, 'given'), target: join(root, 'given'), readOnly: true };
    await mkdir(bind.source);
    await symlink(program(), join(bind.source, 'claude'));
    expect(await isShown(join(bind.source, 'claude'), [bind])).toBe(false);
    await rm(join(bind.source, 'claude'));
    await writeFile(join(bind.source, 'claude'), '');
    expect(await isShown(join(bind.source, 'claude'), [bind])).toBe(true);
    expect(await isShown(program(), [bind])).toBe(false);
    expect(await isShown('/usr/bin/env', [bind])).toBe(true);
  });
});
