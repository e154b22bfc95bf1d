import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PUBLIC_KEY, SSH_EXITS, SSH_SERVER } from './ssh-script.js';

const run = promisify(execFile);
const missing = !existsSync('/usr/sbin/sshd') || !existsSync('/usr/bin/ssh');
const user = userInfo().username;

describe.skipIf(missing)('an SSH server for one connection (needs openssh-server)', () => {
  let folder: string;
  let work: string;
  let key: string;
  let options: readonly string[];

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'fsa-ssh-')));
    work = join(folder, "work it's");
    for (const name of [work, join(folder, 'home'), join(folder, 'tmp')]) await mkdir(name);
    for (const name of ['key', 'second', 'other'])
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(folder, name)]);
    key = (await readFile(join(folder, 'key.pub'), 'utf8')).trim();
    await writeFile(join(folder, 'server.sh'), SSH_SERVER);
    // What the client's end does: takes the first line as the host key, and passes the rest on.
    const proxy = join(folder, 'proxy.sh');
    await writeFile(
      proxy,
      `cd "${work}"
export HOME="${folder}/home" TMPDIR="${folder}/tmp" SHELL=/bin/bash TTYD_ACCESS_TOKEN=tok3n GREETING="it's
two lines"
sh "${folder}/server.sh" "${user}" "$(cat "${folder}/seconds")" "$(cat "${folder}/key.pub")" "$(cat "${folder}/second.pub")" | {
  IFS= read -r host; printf 'sandbox %s\\n' "$host" >"${folder}/known"; exec cat
}
`,
    );
    await writeFile(join(folder, 'seconds'), '120');
    options = [
      ...['-F', 'none', '-o', `ProxyCommand=sh ${proxy}`, '-o', `UserKnownHostsFile=${folder}/known`],
      ...['-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', 'IdentityAgent=none', '-o', `User=${user}`],
    ];
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const ssh = (command: string, identity = 'key'): Promise<{ stdout: string }> =>
    run('ssh', [...options, '-i', join(folder, identity), 'sandbox', command]);

  it('begins in the folder of the terminal, with its variables and without its token', async () => {
    const { stdout } = await ssh('pwd; echo "$HOME"; echo "$GREETING"; echo "[${TTYD_ACCESS_TOKEN-}]"');
    expect(stdout).toBe(`${work}\n${folder}/home\nit's\ntwo lines\n[]\n`);
  });

  it('takes each key it was given, and no other', async () => {
    expect(await ssh('echo in', 'second')).toMatchObject({ stdout: 'in\n' });
    await expect(ssh('true', 'other')).rejects.toThrow(/Permission denied \(publickey\)/);
  });

  it('takes the key no longer than it was given for', async () => {
    await writeFile(join(folder, 'seconds'), '-60');
    await expect(ssh('true')).rejects.toThrow(/Permission denied \(publickey\)/);
    await writeFile(join(folder, 'seconds'), '120');
    expect(await ssh('echo again')).toMatchObject({ stdout: 'again\n' });
  });

  it('keeps its host key, and leaves nothing else behind', async () => {
    const before = await readFile(join(folder, 'known'), 'utf8');
    await ssh('true');
    expect(await readFile(join(folder, 'known'), 'utf8')).toBe(before);
    expect(execFileSync('ls', ['-A', join(folder, 'tmp')], { encoding: 'utf8' })).toBe('');
  });

  it('copies files both ways', async () => {
    await writeFile(join(folder, 'up.bin'), Buffer.alloc(300_000, 7));
    const identity = ['-q', ...options, '-i', join(folder, 'key')];
    await run('scp', [...identity, join(folder, 'up.bin'), 'sandbox:up.bin']);
    await run('scp', [...identity, 'sandbox:up.bin', join(folder, 'down.bin')]);
    expect(await readFile(join(folder, 'down.bin'))).toEqual(await readFile(join(folder, 'up.bin')));
    expect(existsSync(join(work, 'up.bin'))).toBe(true);
  });

  it('refuses a user who is not there, and says who is', async () => {
    const started = run('sh', ['-c', SSH_SERVER, 'sh', 'somebody', '120', key]);
    await expect(started).rejects.toMatchObject({ code: SSH_EXITS.otherUser, stderr: `${user}\n` });
  });
});

describe('a public key', () => {
  it.each([
    ['an ed25519 key', `ssh-ed25519 ${'A'.repeat(68)}`, true],
    ['a second line', `ssh-ed25519 ${'A'.repeat(68)}\nssh-ed25519 ${'B'.repeat(68)}`, false],
    ['options', `command="id" ssh-ed25519 ${'A'.repeat(68)}`, false],
    ['nothing', '', false],
  ])('%s', (_what, text, taken) => {
    expect(PUBLIC_KEY.test(text)).toBe(taken);
  });
});
