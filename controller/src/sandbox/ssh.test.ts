import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxProgram } from './exec-stream.js';
import { SandboxSsh, type SshServer } from './ssh.js';

const KEY = { namespace: 'ns-a', name: 'blog' };
const PUBLIC = `ssh-ed25519 ${'A'.repeat(68)}`;
let home: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsa-ssh-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** A process of this machine, in the place of one in a sandbox. */
function run(_key: unknown, [file = '', ...args]: readonly string[]): Promise<SandboxProgram> {
  const child = spawn(file, args, { cwd: home, env: { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home } });
  const complaint = text(child.stderr);
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
  return Promise.resolve({
    stdin: child.stdin,
    stdout: child.stdout,
    ended: ended.then(async (exitCode) => ({ exitCode, complaint: (await complaint).trim() })),
    abort: () => child.kill(),
  });
}

const ssh = new SandboxSsh({ run });
const open = (user: string, ...publicKeys: readonly string[]): Promise<SshServer> =>
  ssh.open(KEY, { user, publicKeys });

describe('an SSH server of a sandbox', () => {
  it.skipIf(!existsSync('/usr/sbin/sshd'))(
    'says its host key first, and SSH follows (needs sshd)',
    async () => {
      const { hostKey, program } = await open(userInfo().username, PUBLIC, PUBLIC);
      expect(hostKey).toMatch(/^ssh-ed25519 AAAA/);
      program.stdin.end();
      expect(await text(program.stdout)).toMatch(/^SSH-2\.0-/);
      await program.ended;
    },
  );

  it('is not started for another user, who is told which one there is', async () => {
    await expect(open('somebody', PUBLIC)).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
      message: `The user of this sandbox is ${userInfo().username}.`,
    });
  });

  it.each([
    [
      'no server',
      'exit 69',
      'There is no sshd in this sandbox. On Debian and Ubuntu, apt-get install openssh-server',
    ],
    ['a server that does not start', 'echo no >&2; exit 1', 'The SSH server of this sandbox did not start.'],
    ['what is no host key', 'echo hello', 'The SSH server of this sandbox did not start.'],
  ])('says that there is %s', async (_what, script, words) => {
    const other = new SandboxSsh({ run: (key) => run(key, ['sh', '-c', script]) });
    const refused = expect.objectContaining({
      code: 'ACTION_NOT_ALLOWED',
      message: expect.stringContaining(words) as string,
    }) as Error;
    await expect(other.open(KEY, { user: 'developer', publicKeys: [PUBLIC] })).rejects.toEqual(refused);
    await expect(other.offer(KEY)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });

  it.each([
    ['what is no name of a user', 'a b', [PUBLIC]],
    ['what is no key', 'developer', [PUBLIC, `${PUBLIC}\ncommand="id"`]],
    ['no key', 'developer', []],
    ['many keys', 'developer', [PUBLIC, PUBLIC, PUBLIC, PUBLIC]],
  ])('is not started for %s', async (_what, user, publicKeys) => {
    await expect(open(user, ...publicKeys)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it.skipIf(!existsSync('/usr/sbin/sshd'))(
    'says beforehand who signs in, and where (needs sshd)',
    async () => {
      expect(await ssh.offer(KEY)).toEqual({ user: userInfo().username, folder: await realpath(home) });
    },
  );

  it.each([
    ['developer', String.raw`/work\033[201~\rid`],
    ['$(id)', '/workspace'],
  ])('offers nothing that is no name and no path: %s, %s', async (user, folder) => {
    const other = new SandboxSsh({
      run: (key) => run(key, ['printf', `${user}\\n${folder}\\n`]),
    });
    await expect(other.offer(KEY)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});
