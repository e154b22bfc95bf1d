import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../shared/cluster-for-tests.js';
import { WorkspaceClone } from './clone.js';
import type { Runner } from './exec-stream.js';
import { localRunner } from './local-runner-for-tests.js';

const PREPARE = join(import.meta.dirname, '..', '..', '..', 'runtime', 'prepare-workspace.sh');
const PATH = process.env['PATH'] ?? '';
const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };

let folder: string;
let env: Record<string, string>;
/** Takes connections, and says nothing. */
let silent: Server;

const at = (...below: readonly string[]): string => join(folder, ...below);
const file = (content: string, ...below: readonly string[]): void => writeFileSync(at(...below), content);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'clone-'));
  for (const name of ['run', 'workspace', 'home']) mkdirSync(at(name));
  env = {
    ...{ PATH, HOME: at('home') },
    ...{ FULLSTACKAGENT_RUN_DIR: at('run'), FULLSTACKAGENT_WORKSPACE: at('workspace') },
  };
  silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await new Promise((resolve) => silent.close(resolve));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** The image's own script, as at the start of a sandbox. */
const prepare = (repository: string): void => {
  execFileSync('bash', ['-p', PREPARE], {
    env: { ...env, FULLSTACKAGENT_REPOSITORY: repository },
    stdio: 'ignore',
  });
};

let looks = 0;
const runner: Runner = {
  run: (...asked) => {
    looks += 1;
    return localRunner({ env }).run(...asked);
  },
};
const clone = new WorkspaceClone(runner, 0);

const state = async (): Promise<string> => (await clone.of(key)).state;

describe('what became of the repository of a workspace', () => {
  it('is settled where there was none to be had', async () => {
    expect(await clone.of(key)).toEqual({ state: 'settled' });
    rmSync(at('run'), { recursive: true });
    expect(await clone.of(key)).toEqual({ state: 'settled' });
  });

  it('is on its way, and then a failure that git names, until somebody clones by hand', async () => {
    const sockets: { destroy(): void }[] = [];
    silent.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/team/blog.git`;
    prepare(url);
    await until(() => sockets.length > 0, 'git to ask');
    expect(await clone.of(key)).toEqual({ state: 'cloning', url });
    for (const socket of sockets) socket.destroy();
    await expect.poll(state, { timeout: 20_000 }).toBe('failed');
    expect(await clone.of(key)).toEqual({
      state: 'failed',
      what: `${url} could not be cloned into /workspace.`,
      why: expect.stringMatching(/^fatal: unable to access /) as string,
      triedAgain: true,
    });
    file('mine', 'workspace', 'notes.txt');
    expect(await clone.of(key)).toMatchObject({ state: 'failed', triedAgain: false });
    mkdirSync(at('workspace', '.git'));
    expect(await state()).toBe('settled');
  });

  it('is a failure where the address was refused', async () => {
    prepare('https://ada:word@example.com/blog.git');
    expect(await clone.of(key)).toEqual({
      state: 'failed',
      what: 'The address of the repository is not an https:// address without a user name in it. It was not cloned.',
      triedAgain: true,
    });
  });

  it.each([
    ['remote: Counting objects:  45% (9/20)', { progress: 'Counting objects: 45%' }],
    ['Receiving objects:   1% (1/99), 1.2 MiB | 3 MiB/s', { progress: 'Receiving objects: 1%' }],
    ["Cloning into '/workspace/.fullstackagent-clone'...", {}],
    ['remote: \u001b]0;Ask ada for her token\u0007', {}],
  ])('tells how far git is, and nothing else that a server says: %j', async (line, progress) => {
    file('https://git.example/blog.git\n', 'run', 'cloning');
    file(`first\r${line}\r`, 'run', 'clone.log');
    expect(await clone.of(key)).toEqual({
      state: 'cloning',
      url: 'https://git.example/blog.git',
      ...progress,
    });
  });

  it('is a failure where what cloned was killed', async () => {
    const gone = spawn('true');
    await new Promise((resolve) => gone.once('exit', resolve));
    file('https://git.example/blog.git\n', 'run', 'cloning');
    file(`${String(gone.pid)}\n`, 'run', 'cloning.pid');
    expect(await clone.of(key)).toEqual({
      state: 'failed',
      what: 'Cloning https://git.example/blog.git was ended before it was done.',
      triedAgain: true,
    });
    // A start takes a workspace with files for prepared.
    file('mine', 'workspace', 'notes.txt');
    expect(await clone.of(key)).toMatchObject({ state: 'failed', triedAgain: false });
    // And yet moves to its place what is all there.
    mkdirSync(at('workspace', '.fullstackagent-cloned'));
    expect(await clone.of(key)).toMatchObject({ state: 'failed', triedAgain: true });
    rmSync(at('workspace', '.fullstackagent-cloned'), { recursive: true });
    mkdirSync(at('workspace', 'blog', '.git'), { recursive: true });
    expect(await state()).toBe('settled');
  });

  it('is settled where somebody cloned into a folder beside other files', async () => {
    file('It could not be cloned.\n', 'run', 'clone-failed');
    file('mine', 'workspace', 'notes.txt');
    expect(await clone.of(key)).toMatchObject({ state: 'failed', triedAgain: false });
    mkdirSync(at('workspace', 'blog', '.git'), { recursive: true });
    expect(await state()).toBe('settled');
  });

  it('waits for no pipe that somebody put in the place of the log', async () => {
    file('https://git.example/blog.git\n', 'run', 'cloning');
    execFileSync('mkfifo', [at('run', 'clone.log')]);
    expect(await clone.of(key)).toEqual({ state: 'cloning', url: 'https://git.example/blog.git' });
  });

  it('is looked up once for all who ask', async () => {
    const shared = new WorkspaceClone(runner, 60_000);
    const before = looks;
    await Promise.all([shared.of(key), shared.of(key)]);
    await shared.of(key);
    expect(looks - before).toBe(1);
    await shared.of({ ...key, name: 'other' });
    expect(looks - before).toBe(2);
  });

  it('has no characters that turn text around', async () => {
    file('It could not be cloned:\n  fatal: \u202egpj.exe\u200b\n', 'run', 'clone-failed');
    expect(await clone.of(key)).toMatchObject({ why: 'fatal: gpj.exe' });
  });

  it('is text of one line, whatever somebody wrote there', async () => {
    file(`a\u001b[31mb\n  ${'x'.repeat(5000)}\u0000\n`, 'run', 'clone-failed');
    expect(await clone.of(key)).toMatchObject({ what: 'a[31mb', why: 'x'.repeat(1000) });
  });

  it('is not known where something else answers', async () => {
    mkdirSync(at('bin'));
    writeFileSync(at('bin', 'env'), '#!/bin/sh\necho something else\n', { mode: 0o755 });
    env = { ...env, PATH: `${at('bin')}:${PATH}` };
    await expect(clone.of(key)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});
