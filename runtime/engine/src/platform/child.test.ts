import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { ChildRecord, outliveEarlierChildren } from './child-record.js';
import { ManagedChild } from './child.js';
import { startMark, stillRuns } from './process-identity.js';

let base = '';
const pids: number[] = [];
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-child-'));
  pids.length = 0;
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

async function child(
  program: string,
  { env = {}, cwd = base }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<ManagedChild> {
  const script = join(base, 'program.mjs');
  await writeFile(script, program);
  return new ManagedChild({
    name: 'program',
    script,
    cwd,
    env,
    logFile: join(base, 'program.log'),
    log: pino({ level: 'silent' }),
    onProcess: async (_name, pid) => {
      if (pid !== undefined) pids.push(pid);
      return Promise.resolve();
    },
  });
}

const alive = async (pid: number): Promise<boolean> => (await startMark(pid)) !== undefined;
const eventually = (ask: () => Promise<true | undefined>): Promise<true | undefined> =>
  pollUntil(ask, { everyMs: 20, deadlineMs: 45_000 });

const SERVE = `process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e6); process.send({ type: 'ready' });`;

describe('a child process', () => {
  it('gets the environment it was given and no more, and its output is kept', async () => {
    const program = await child(`console.log(JSON.stringify(process.env)); ${SERVE}`, {
      env: { ONLY: 'this' },
    });
    await program.start();
    await program.stop(5000);
    const env = JSON.parse(await readFile(join(base, 'program.log'), 'utf8')) as Record<string, string>;
    const ofNode = /^(NODE_CHANNEL|__)/;
    expect(Object.keys(env).filter((name) => !ofNode.test(name))).toEqual(['ONLY']);
  });

  it('is started again when it dies, and not after it was stopped', async () => {
    const program = await child(SERVE);
    await program.start();
    const [first = 0] = pids;
    process.kill(first, 'SIGKILL');
    await eventually(() => Promise.resolve(pids.length === 2 ? true : undefined));
    const second = pids[1] ?? 0;
    expect(await alive(first)).toBe(false);
    await program.stop(5000);
    expect(await alive(second)).toBe(false);
    expect(pids).toHaveLength(2);
  });

  it('that never becomes ready fails the start with its last words', async () => {
    const program = await child(`console.error('no such table'); process.exit(3);`);
    await expect(program.start()).rejects.toMatchObject({
      message: 'The program does not start.',
      output: expect.stringContaining('no such table') as string,
    });
  });

  it('that cannot be started fails the start with the reason, and can be stopped', async () => {
    const program = await child(SERVE, { cwd: join(base, 'nowhere') });
    await expect(program.start()).rejects.toMatchObject({
      message: 'The program does not start.',
      output: expect.stringContaining('ENOENT') as string,
    });
    await program.stop(5000);
    expect(pids).toEqual([]);
  });

  it('that cannot be started again for a while is started when it can', async () => {
    const cwd = join(base, 'work');
    await mkdir(cwd);
    const program = await child(SERVE, { cwd });
    await program.start();
    const log = join(base, 'program.log');
    await rm(cwd, { recursive: true });
    process.kill(pids[0] ?? 0, 'SIGKILL');
    await eventually(async () =>
      (await readFile(log, 'utf8').catch(() => '')).includes('ENOENT') ? true : undefined,
    );
    await mkdir(cwd);
    await eventually(() => Promise.resolve(pids.length === 2 ? true : undefined));
    expect(await alive(pids[1] ?? 0)).toBe(true);
    await program.stop(5000);
  });

  it('that does not listen is ended in the end', async () => {
    const program = await child(
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1e6); process.send({ type: 'ready' });`,
    );
    await program.start();
    await program.stop(100);
    expect(await alive(pids[0] ?? 0)).toBe(false);
  });
});

describe('children of a life that was killed', () => {
  it('are waited for', async () => {
    const file = join(base, 'children.json');
    const sleeper = spawn(
      process.execPath,
      ['-e', `process.on('message', () => setTimeout(() => process.exit(), 3000)); process.send('up')`],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
    );
    await new Promise((resolve) => sleeper.once('message', resolve));
    await new ChildRecord(file).add('sleeper', sleeper.pid ?? 0);
    const outlived = outliveEarlierChildren(file);
    sleeper.send('go');
    expect(await outlived).toEqual(['sleeper']);
    expect(await alive(sleeper.pid ?? 0)).toBe(false);
  });

  it('are no strangers that have their numbers now', async () => {
    const file = join(base, 'children.json');
    await writeFile(file, JSON.stringify([{ name: 'engine', pid: process.pid, mark: 'another time' }]));
    expect(await outliveEarlierChildren(file)).toEqual([]);
  });

  it.each(['', '{"a":1}', '[{"pid":"x"}]'])('are none when the list holds %j', async (text) => {
    const file = join(base, 'children.json');
    await writeFile(file, text);
    expect(await outliveEarlierChildren(file)).toEqual([]);
  });

  it('are told apart by when they started', async () => {
    const mark = (await startMark(process.pid)) ?? '';
    expect(await stillRuns({ pid: process.pid, mark })).toBe(true);
    expect(await stillRuns({ pid: process.pid, mark: `${mark}0` })).toBe(false);
  });
});
