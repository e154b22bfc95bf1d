import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { owner, ownerAgain } from '../support/fixtures.js';
import { git } from '../support/git.js';
import { noProcessesOf, Platform } from '../support/platform.js';
import { allProcesses } from '../support/processes.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';
import { databaseFolders, doublyServed, processesIn, type Role } from '../support/victims.js';

/** What was answered with 201 before, during and after a process died. */
interface Acknowledged {
  readonly id: string;
  readonly commit: string;
}

const CREATES = 3;

describe('kill -9 in the middle of creates', () => {
  const platform = new Platform('crash');
  let api: Api;
  const acknowledged: Acknowledged[] = [];
  let created = 0;

  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await create();
    await api.waitFor('crash-1', 'RUNNING');
  });

  afterAll(() => platform.remove());

  /** An answer counts; a refused or broken connection promised nothing. */
  async function create(): Promise<void> {
    created += 1;
    const name = `Crash ${String(created)}`;
    const change = await api.create({ name, database: created % 2 === 1 });
    acknowledged.push({ id: change.project.id, commit: change.commit });
  }

  /** A different moment each time; the moment is printed, so that a failure can be looked at again. */
  async function killInTheMiddle(role: Role): Promise<number> {
    const victim = processesIn(platform.home, role)[0];
    if (victim === undefined) throw new Error(`no ${role} runs`);
    const creates = Promise.allSettled(Array.from({ length: CREATES }, () => create()));
    const delay = Math.floor(Math.random() * 150);
    await pause(delay);
    process.kill(victim.pid, 'SIGKILL');
    console.log(
      `killed the ${role} (${String(victim.pid)}) ${String(delay)} ms after ${String(CREATES)} creates began`,
    );
    await creates;
    return victim.pid;
  }

  async function everythingAcknowledgedRuns(): Promise<void> {
    for (const { id, commit } of acknowledged) {
      await api.waitFor(id, 'RUNNING', 120_000);
      git(platform.repository, 'merge-base', '--is-ancestor', commit, 'refs/heads/main');
    }
  }

  /** What exists runs once: one server a data folder, one folder a database that was asked for. */
  async function nothingRunsTwice(): Promise<void> {
    const { projects } = await api.ask<{ projects: { id: string; status: string; database?: object }[] }>(
      'GET',
      '/api/projects',
    );
    for (const { id } of projects) await api.waitFor(id, 'RUNNING', 120_000);
    const databases = projects.filter(({ database }) => database !== undefined).length;
    // A process that is just being started looks like its parent, and a status is older than what it tells of.
    await until('a server for each database', () => databaseFolders(platform.home).length === databases);
    for (const role of ['controller', 'engine', 'portal', 'portal database'] as const)
      await until(`one ${role}`, () => processesIn(platform.home, role).length === 1);
    // A server that is just making another process looks like two. What really runs twice goes on doing so.
    await until('no folder to be served twice', () => doublyServed(platform.home).length === 0);
  }

  /** A program of a person's, in the background of a shell: how often it runs. */
  const programs = (seconds: number): number =>
    allProcesses().filter(({ command }) => command === `sleep ${String(seconds)}`).length;

  async function beginProgram(seconds: number): Promise<void> {
    const terminal = await Terminal.open(api, 'crash-1', `program-${String(seconds)}`);
    await terminal.run(`(sleep ${String(seconds)} &)`);
    await until('the program to run', () => programs(seconds) === 1);
    terminal.close();
  }

  it.each([
    { role: 'controller', survives: true },
    { role: 'portal', survives: true },
    { role: 'portal database', survives: true },
    { role: 'sandbox database', survives: true },
    // Sandboxes are the engine's children: they end with it and are started again.
    { role: 'engine', survives: false },
  ] as const)(
    'the $role: it comes back by itself and everything acknowledged runs',
    async ({ role, survives }) => {
      const seconds = 70_000 + created;
      await beginProgram(seconds);
      const dead = await killInTheMiddle(role);
      const back = (): boolean => processesIn(platform.home, role).some(({ pid }) => pid !== dead);
      await until(`the ${role} to be back`, back);
      await until(
        'the portal to answer',
        async () => (await api.request('GET', '/api/projects')).status === 200,
      );
      await create();
      await everythingAcknowledgedRuns();
      await nothingRunsTwice();
      await until('what a person had started', () => programs(seconds) === (survives ? 1 : 0));
    },
    240_000,
  );

  it.each([1, 2, 3])(
    'the supervisor, time %i: everything ends with it, an open terminal too, and the next start goes on',
    async (time) => {
      await beginProgram(80_000 + time);
      const open = await Terminal.open(api, 'crash-1', 'open');
      await open.run('echo here');
      await killInTheMiddle('supervisor');
      await noProcessesOf(platform.home, 30_000);
      expect(programs(80_000 + time)).toBe(0);
      await platform.start();
      api = await ownerAgain(platform.url);
      await create();
      await everythingAcknowledgedRuns();
      await nothingRunsTwice();
    },
    240_000,
  );

  it('all of them at once: the next start goes on', async () => {
    const creates = Promise.allSettled(Array.from({ length: CREATES }, () => create()));
    await pause(Math.floor(Math.random() * 150));
    for (const role of ['supervisor', 'controller', 'engine', 'portal', 'portal database'] as const)
      for (const { pid } of processesIn(platform.home, role)) process.kill(pid, 'SIGKILL');
    await creates;
    await noProcessesOf(platform.home, 30_000);
    await platform.start();
    api = await ownerAgain(platform.url);
    await everythingAcknowledgedRuns();
    await nothingRunsTwice();
  }, 240_000);

  it('left a repository that git finds nothing wrong with, and terminals that work', async () => {
    expect(git(platform.repository, 'fsck', '--full', '--strict', '--no-dangling')).toBe('');
    const terminal = await Terminal.open(api, 'crash-1', 'after');
    expect(await terminal.run('echo "$((6 * 7))"')).toBe('42');
    terminal.close();
  });
});
