import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { pollUntil } from '../files/polling.js';
import { Confinement, probeIsolation, SandboxNetwork } from './index.js';
import { asUser } from './identity.js';
import type { Bubblewrap } from './types.js';

const log = pino({ level: 'silent' });
const isolation = await probeIsolation({ path: searchPath(), log, markers: {} });
/** Of the PID namespace that this process is in; only some can choose the next number. */
const LAST_PID = '/proc/sys/kernel/ns_last_pid';
const choosesPids = await readFile(LAST_PID, 'utf8')
  .then((last) => writeFile(LAST_PID, last))
  .then(
    () => true,
    () => false,
  );

let folder: string;
let others: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fsa-network-'));
  others = [];
});
afterEach(async () => {
  for (const other of others) other.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Of the network that a process is in, its loopback aside. */
const interfaces = async (pid: number): Promise<readonly string[]> =>
  [...(await readFile(`/proc/${pid}/net/dev`, 'utf8')).matchAll(/^ *([^ :]+):/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'lo');

const isNumbered = (pid: number): Promise<boolean> =>
  access(`/proc/${pid}`).then(
    () => true,
    () => false,
  );

const untilInterfaces = (pid: number, count: number): Promise<unknown> =>
  expect.poll(() => interfaces(pid), { interval: 20, timeout: 45_000 }).toHaveLength(count);

/** A process with this number and a network of its own; others start processes too, so it takes some tries. */
async function processNumbered(pid: number, [file = '', ...args]: readonly string[]): Promise<void> {
  const got = await pollUntil(
    async () => {
      // Its parent may not have asked yet how the one before ended.
      if (await isNumbered(pid)) return undefined;
      const last = await readFile(LAST_PID);
      writeFileSync(LAST_PID, String(pid - 1));
      const child = spawn(file, args, { stdio: 'ignore' });
      // At once: what others have started and ended lately is not to be taken for what runs now.
      writeFileSync(LAST_PID, last);
      others.push(child);
      await once(child, 'spawn');
      if (child.pid === pid) return true;
      child.kill('SIGKILL');
      return undefined;
    },
    { everyMs: 20, deadlineMs: 45_000 },
  );
  if (got === undefined) throw new Error(`No process got the number ${pid}.`);
}

const startSandbox = async (own: Bubblewrap): Promise<Confinement> => {
  const workspace = join(folder, 'workspace');
  await mkdir(workspace);
  return Confinement.start({
    ...{ isolation: own, markers: {}, folder, name: 'test', hostname: 'test', home: '/workspace' },
    workingDirectory: '/workspace',
    binds: [{ source: workspace, target: '/workspace', readOnly: false }],
  });
};

it('comes once it can be told again that the sandbox runs, and not before', async (context) => {
  context.skip(
    isolation.kind === 'none' || !isolation.network.own,
    'there are no networks of their own here',
  );
  if (isolation.kind === 'none' || isolation.programs.pasta === undefined) return;
  const confinement = await startSandbox(isolation);
  const { pid } = confinement;
  const said: (string | undefined)[] = [];
  const found: (readonly string[])[] = [];
  let asked = 0;
  const network = new SandboxNetwork(
    {
      ...{ isolation, markers: {}, published: new Map(), pasta: isolation.programs.pasta },
      confinement: {
        pid,
        prefix: () => confinement.prefix(),
        runs: async () => {
          found.push(await interfaces(pid));
          asked += 1;
          if (asked <= 2) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' });
          return confinement.runs();
        },
      },
      log: { error: (what: { said?: string }) => said.push(what.said) },
    },
    [],
  );
  try {
    await untilInterfaces(pid, 1);
    expect(found.slice(0, 3)).toEqual([[], [], []]);
    expect(said).toEqual(Array(2).fill('Error: EMFILE: too many open files'));
  } finally {
    await network.close();
    await confinement.end();
  }
});

it('is never that of another process that got the number of a sandbox which has ended', async (context) => {
  context.skip(
    isolation.kind === 'none' || !isolation.network.own,
    'there are no networks of their own here',
  );
  context.skip(!choosesPids, 'the numbers of processes cannot be chosen here');
  if (isolation.kind === 'none' || isolation.programs.pasta === undefined) return;
  const confinement = await startSandbox(isolation);
  const { pid, owner } = confinement;
  const network = new SandboxNetwork(
    {
      ...{ isolation, confinement, log, markers: {}, published: new Map() },
      pasta: isolation.programs.pasta,
    },
    [],
  );
  try {
    await untilInterfaces(pid, 1);
    await confinement.end();
    const { setpriv, unshare } = isolation.programs;
    await processNumbered(pid, [
      ...(owner === undefined ? [] : asUser(setpriv, owner)),
      ...[unshare, '--user', '--map-root-user', '--net', 'sleep', '600'],
    ]);
    await untilInterfaces(pid, 0);
    // pasta ends for that, and another one is wanted.
    network.reach([9]);
    const entered = pollUntil(
      async () => ((await interfaces(pid)).length > 0 ? 'another process has it' : undefined),
      { everyMs: 20, deadlineMs: 45_000 },
    );
    expect(await Promise.race([network.ended.then(() => 'ended'), entered])).toBe('ended');
    expect(await interfaces(pid)).toEqual([]);
  } finally {
    await network.close();
    await confinement.end();
  }
});
