import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxProgram } from './exec-stream.js';
import { openSshServer } from './ssh.js';

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

const open = (user: string, publicKey = PUBLIC): ReturnType<typeof openSshServer> =>
  openSshServer({ run }, KEY, { user, publicKey });

describe('an SSH server of a sandbox', () => {
  it.skipIf(!existsSync('/usr/sbin/sshd'))(
    'says its host key first, and SSH follows (needs sshd)',
    async () => {
      const { hostKey, program } = await open(userInfo().username);
      expect(hostKey).toMatch(/^ssh-ed25519 AAAA/);
      program.stdin.end();
      expect(await text(program.stdout)).toMatch(/^SSH-2\.0-/);
      await program.ended;
    },
  );

  it('is not started for another user, who is told which one there is', async () => {
    await expect(open('somebody')).rejects.toMatchObject({
      code: 'ACTION_NOT_ALLOWED',
      message: `The user of this sandbox is ${userInfo().username}.`,
    });
  });

  it.each([
    ['a user', 'a b', PUBLIC],
    ['a key', 'developer', `${PUBLIC}\ncommand="id"`],
  ])('is not started for what is no name of %s', async (_what, user, publicKey) => {
    await expect(open(user, publicKey)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
