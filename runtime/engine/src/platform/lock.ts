import { randomBytes } from 'node:crypto';
import { link, readdir, rename, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../files/durable.js';
import { pollUntil } from '../files/polling.js';
import { StartProblem } from './problem.js';

/** The longest path of a Unix socket on Linux, less the terminating zero; macOS has four fewer. */
const LONGEST = 103;

const heldBy = z.object({
  state: z.enum(['starting', 'ready', 'stopping']),
  url: z.string().optional(),
});
type HeldBy = z.infer<typeof heldBy>;

export interface Lock {
  /** What the next `npm start` on this folder is told. */
  announce(state: HeldBy): void;
  release(): Promise<void>;
}

/**
 * One platform a home folder. The lock is a Unix socket: whoever answers there is alive, so `kill -9` leaves nothing
 * that blocks. One that is stopping is waited for.
 */
export async function takeLock(path: string, patienceMs: number): Promise<Lock> {
  if (Buffer.byteLength(path) + 12 > LONGEST) {
    throw new StartProblem(
      `The folder's name is too long for a Unix socket: ${dirname(path)}. Choose a shorter one.`,
    );
  }
  await removeRests(path);
  const lock = await pollUntil(() => tryLock(path), { everyMs: 100, deadlineMs: patienceMs });
  if (lock === undefined)
    throw new StartProblem('The FullstackAgent that runs on this folder does not stop.');
  return lock;
}

async function tryLock(path: string): Promise<Lock | undefined> {
  const holder = await askHolder(path);
  if (holder === undefined) {
    await setAside(path);
    return makeLock(path);
  }
  if (holder.state === 'stopping') return undefined;
  const where = holder.url === undefined ? 'it is starting' : holder.url;
  throw new StartProblem(`FullstackAgent is running on this folder already: ${where}`);
}

async function makeLock(path: string): Promise<Lock | undefined> {
  const own = `${path}.${randomBytes(4).toString('hex')}`;
  let state: HeldBy = { state: 'starting' };
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(JSON.stringify(state));
  });
  await listen(server, own);
  try {
    // Listening first and then taking the name: whoever finds the name finds somebody who answers.
    await link(own, path);
  } catch (error) {
    server.close();
    if (isErrno(error, 'EEXIST')) return undefined;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
  // The lock alone shall not keep the process alive.
  server.unref();
  return {
    announce: (next) => {
      state = next;
    },
    release: async () => {
      await rm(path, { force: true });
      server.close();
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Takes away the socket of somebody who is dead. Renaming is what only one of two can do. */
async function setAside(path: string): Promise<void> {
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return;
    throw error;
  }
  // Between the question and the renaming somebody else may have locked: then it goes back.
  if ((await askHolder(aside)) !== undefined) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Sockets under temporary names, left by a start that was killed within a millisecond. */
async function removeRests(path: string): Promise<void> {
  const folder = dirname(path);
  const rests = (await readdir(folder)).filter((name) => name.startsWith(`${basename(path)}.`));
  for (const name of rests) {
    const file = join(folder, name);
    if ((await askHolder(file)) === undefined) await rm(file, { force: true });
  }
}

/** `undefined`: nobody is there. */
function askHolder(path: string): Promise<HeldBy | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    // Alive and mute: a process that hangs still holds the folder.
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk: string) => (text += chunk));
    socket.once('error', (error) => {
      if (isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ENOTSOCK')) resolve(undefined);
      else reject(error);
    });
    socket.once('close', () => resolve(parse(text)));
  });
}

function parse(text: string): HeldBy {
  try {
    return heldBy.parse(JSON.parse(text));
  } catch {
    return { state: 'starting' };
  }
}
