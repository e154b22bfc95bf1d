import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stopLeftovers } from './leftovers.js';
import { clusterName } from './settings.js';
import { PostgresError } from './types.js';

const log = pino({ level: 'silent' });
let folder = '';
let server: ChildProcess | undefined;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'fsa-leftovers-')));
});

afterEach(async () => {
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

/** A process that looks like a backend on this folder, and that does not end on SIGQUIT. */
async function stubbornBackend(): Promise<ChildProcess> {
  const title = `postgres: ${clusterName(folder)}: idle`;
  const program = `process.on('SIGQUIT', () => {}); process.title = process.argv[1]; setInterval(() => {}, 1e6); process.send('up');`;
  // The title takes the place of the arguments, so they have to be as long.
  server = spawn(process.execPath, ['-e', program, title], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  await once(server, 'message');
  await writeFile(join(folder, 'postmaster.pid'), `1\n${folder}\n`);
  return server;
}

const pidFile = (): Promise<boolean> =>
  access(join(folder, 'postmaster.pid')).then(
    () => true,
    () => false,
  );

describe('what an earlier PostgreSQL left', () => {
  it('keeps its pid file, and fails the start, as long as a process of it lives', async () => {
    const { pid } = await stubbornBackend();
    const polite = [{ signal: 'SIGQUIT', to: ['backend'], waitMs: 0 }] as const;
    const failure: unknown = await stopLeftovers(folder, log, polite).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PostgresError);
    expect(failure).toMatchObject({
      code: 'START_FAILED',
      message: expect.stringContaining(`process ${pid ?? 0}`) as string,
    });
    expect(await pidFile()).toBe(true);
  });

  it('is ended in the end, and its pid file goes with it', async () => {
    const left = await stubbornBackend();
    const gone = once(left, 'exit');
    const firm = [
      { signal: 'SIGQUIT', to: ['backend'], waitMs: 0 },
      { signal: 'SIGKILL', to: ['backend'], waitMs: 10_000 },
    ] as const;
    await stopLeftovers(folder, log, firm);
    await gone;
    expect(await pidFile()).toBe(false);
  });
});
