import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { needs, pathOf } from '../support/capabilities.js';
import { removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { RUNTIME } from './sandbox.js';

const DEVELOPER = 1001;
const statefulSet = join(ROOT, 'charts-src', 'golden', 'minimal', 'rendered', 'statefulset-my-blog.yaml');

/** Where the workspace's volume is mounted. */
const mounted = [
  ...readFileSync(statefulSet, 'utf8').matchAll(/name: workspace\n\s+mountPath: (\S+)\n\s+subPath: /g),
].map(([, path]) => path ?? '');

/** What the image tells git about folders. */
const safe = [
  ...readFileSync(join(RUNTIME, 'Dockerfile'), 'utf8').matchAll(
    /git config --system --add safe\.directory (\S+)/g,
  ),
].map(([, path]) => path ?? '');

/** The kubelet makes a volume's sub-folders: they are root's, and the group is the pod's `fsGroup`. */
describe('git in a folder that the kubelet made', () => {
  const folder = temporaryFolder('git-ownership');
  afterAll(() => removeFolder(folder));

  beforeEach((context) => {
    needs(context, 'git');
    context.skip(process.getuid?.() !== 0, 'needs root, to make a folder that is root’s');
  });

  const git = (at: string, system: string, ...args: readonly string[]) =>
    spawnSync(
      'setpriv',
      ['--reuid=1001', '--regid=1001', '--clear-groups', pathOf('git'), '-C', at, ...args],
      {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_SYSTEM: system },
      },
    );

  it('is told of every folder that is mounted', () => {
    expect(mounted).toEqual(['/workspace', '/home/developer']);
    expect(safe).toEqual(mounted);
  });

  it('takes a repository there as the user’s, because the image says so', () => {
    chmodSync(folder, 0o755);
    const at = join(folder, 'workspace');
    const [without, system] = [join(folder, 'without'), join(folder, 'system')];
    writeFileSync(without, '');
    mkdirSync(at);
    chownSync(at, 0, DEVELOPER);
    chmodSync(at, 0o2775);
    expect(git(at, without, 'init', '--quiet').status).toBe(0);
    expect(git(at, without, 'status').stderr).toContain('dubious ownership');
    execFileSync('git', ['config', '--file', system, '--add', 'safe.directory', at]);
    expect(git(at, system, 'status', '--short')).toMatchObject({ status: 0, stderr: '' });
  });
});
