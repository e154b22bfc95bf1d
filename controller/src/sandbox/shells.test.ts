import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../shared/cluster-for-tests.js';
import type { Runner } from './exec-stream.js';
import { localRunner } from './local-runner-for-tests.js';
import { SandboxShells } from './shells.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const PATH = process.env['PATH'] ?? '';

/** Told apart by the pod's id, as where nothing is isolated. */
const runnerWith = (env: Readonly<Record<string, string>>): Runner => localRunner({ env: { PATH, ...env } });

let pods = 0;

function sandbox(more: Readonly<Record<string, string>> = {}): {
  shells: SandboxShells;
  start: (session: string, command: string) => Promise<number>;
} {
  pods += 1;
  const env = { FULLSTACKAGENT_POD_UID: `pod-${process.pid}-${pods}`, ...more };
  return {
    shells: new SandboxShells(runnerWith(env)),
    /** A shell with a terminal, as `script` gives one. Resolves when it runs. */
    start: async (session, command) => {
      const child = spawn('script', ['-qec', `exec bash --norc -c 'echo up; ${command}'`, '/dev/null'], {
        env: { PATH, ...env, FULLSTACKAGENT_SESSION: session, TERM: 'dumb' },
        stdio: ['pipe', 'pipe', 'ignore'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until(() => said.includes('up'), 'the shell to run');
      return child.pid ?? 0;
    },
  };
}

describe('the shells of a sandbox', () => {
  it('are listed with what runs in front, oldest first, and those of no other sandbox', async () => {
    const [mine, other] = [sandbox(), sandbox()];
    await mine.start('main', 'read line');
    await mine.start('s-build', 'sleep 300; :');
    await other.start('theirs', 'read line');
    const listed = await mine.shells.list(key);
    expect(listed.map(({ session }) => session)).toEqual(['main', 's-build']);
    expect(listed.map(({ program }) => program)).toEqual(['bash', expect.stringMatching(/bash|sleep/)]);
    for (const { startedAt } of listed)
      expect(Math.abs(Date.parse(startedAt) - Date.now())).toBeLessThan(3_600_000);
  });

  it('end with what runs in them, and no other does', async () => {
    const { shells, start } = sandbox();
    await start('main', 'read line');
    await start('s-1', 'trap "" HUP; sleep 300; :');
    await shells.end(key, 's-1');
    while ((await shells.list(key)).length > 1) await setTimeout(20);
    expect((await shells.list(key))[0]?.session).toBe('main');
    await expect(shells.end(key, 's-1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(shells.end(key, '$(id)')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are asked of tmux where the sandbox keeps them there, and a tmux of the person is left alone', async (ctx) => {
    const folder = mkdtempSync(join(tmpdir(), 'shells-'));
    const tmux = (...args: readonly string[]): Promise<number> =>
      new Promise((resolve) => {
        const child = spawn('tmux', [...args], {
          env: { PATH, TMUX_TMPDIR: folder, TERM: 'xterm' },
          stdio: 'ignore',
        });
        child.once('error', () => {
          resolve(127);
        });
        child.once('exit', (code) => {
          resolve(code ?? 1);
        });
      });
    onTestFinished(async () => {
      await tmux('kill-server');
      rmSync(folder, { recursive: true, force: true });
    });
    ctx.skip((await tmux('-V')) !== 0, 'no tmux on the PATH');
    const { shells } = sandbox({ TMUX_TMPDIR: folder });
    await tmux('new-session', '-d', '-s', 'own', 'sleep 300');
    expect(await shells.list(key)).toEqual([]);
    await tmux('new-session', '-d', '-s', 'main', '-e', 'FULLSTACKAGENT_SESSION=main', 'sleep 300');
    // tmux answers before what it started is that program.
    await expect.poll(() => shells.list(key)).toMatchObject([{ session: 'main', program: 'sleep' }]);
    await expect(shells.end(key, 'own')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await shells.end(key, 'main');
    expect(await tmux('has-session', '-t', '=main')).not.toBe(0);
    expect(await tmux('has-session', '-t', '=own')).toBe(0);
  });

  it.each([
    ['prints without end', 'exec yes'],
    ['never answers', 'exec sleep 300'],
  ])('are given up where what answers in their place %s', async (_what, program) => {
    const folder = mkdtempSync(join(tmpdir(), 'shells-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    writeFileSync(join(folder, 'env'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
    const shells = new SandboxShells(runnerWith({ PATH: `${folder}:${PATH}` }), 1000);
    await expect(shells.list(key)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});
