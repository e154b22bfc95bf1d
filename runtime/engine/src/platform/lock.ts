import { readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { isErrno } from '../files/durable.js';
import { StartProblem } from './problem.js';

/** The longest path of a Unix socket that Linux and macOS both take. */
const LONGEST = 103;
const NAME = /^lock-(\d{1,9})\.sock$/;

const answer = z.object({
  state: z.enum(['candidate', 'starting', 'ready', 'stopping']),
  url: z.string().optional(),
});
type Answer = z.infer<typeof answer>;

export interface Lock {
  /** What the next `npm start` on this folder is told. */
  announce(state: { state: 'starting' | 'ready' | 'stopping'; url?: string }): void;
  release(): Promise<void>;
}

/**
 * One platform a home folder. The lock is a Unix socket: whoever answers is alive, so `kill -9` leaves nothing that
 * blocks. A dead socket is never taken away to make room, because two who both find it dead would take away each
 * other's: the next one is numbered higher (binding a name is what only one can do), and then looks around again.
 * Of two candidates the lower number wins. One that is stopping is waited for.
 */
export async function takeLock(folder: string, patienceMs: number): Promise<Lock> {
  if (Buffer.byteLength(join(folder, 'lock-1000.sock')) > LONGEST) {
    throw new StartProblem(
      `The folder's name is too long for a Unix socket: ${folder}. Choose a shorter one.`,
    );
  }
  const end = performance.now() + patienceMs;
  do {
    const lock = await tryLock(folder);
    if (lock !== undefined) return lock;
    await sleep(20 + Math.random() * 80);
  } while (performance.now() < end);
  throw new StartProblem('The FullstackAgent that runs on this folder does not stop.');
}

/** What the platform on this folder says of itself; `undefined` where none runs. Takes nothing. */
export async function holderOf(folder: string): Promise<string | undefined> {
  const holder = (await lookAround(folder)).find(({ says }) => says !== undefined);
  return holder === undefined ? undefined : (holder.says?.url ?? 'it is starting');
}

/** `undefined`: somebody is about to take it or to leave it; ask again. */
async function tryLock(folder: string): Promise<Lock | undefined> {
  const there = await lookAround(folder);
  if (there.some(({ says }) => says?.state === 'stopping' || says?.state === 'candidate')) return undefined;
  const holder = there.find(({ says }) => says !== undefined);
  if (holder !== undefined) {
    throw new StartProblem(
      `FullstackAgent is running on this folder already: ${holder.says?.url ?? 'it is starting'}`,
    );
  }
  const candidate = await Candidate.stand(folder, Math.max(0, ...there.map(({ number }) => number)) + 1);
  if (candidate === undefined) return undefined;
  // The second look, after this one counts as a holder, finds those whom the first look missed and who missed this one.
  if ((await candidate.mayHold()) && (await candidate.mayHold())) {
    await Promise.all(there.map(({ path }) => rm(path, { force: true })));
    return candidate;
  }
  await candidate.release();
  return undefined;
}

class Candidate implements Lock {
  readonly #folder: string;
  readonly #number: number;
  readonly #server: Server;
  #says: Answer = { state: 'candidate' };

  private constructor(folder: string, number: number) {
    this.#folder = folder;
    this.#number = number;
    this.#server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(JSON.stringify(this.#says));
    });
  }

  /** `undefined`: somebody has this number. */
  static async stand(folder: string, number: number): Promise<Candidate | undefined> {
    const candidate = new Candidate(folder, number);
    try {
      await listen(candidate.#server, join(folder, `lock-${number}.sock`));
    } catch (error) {
      if (isErrno(error, 'EADDRINUSE')) return undefined;
      throw error;
    }
    // The lock alone shall not keep the process alive.
    candidate.#server.unref();
    return candidate;
  }

  async mayHold(): Promise<boolean> {
    const others = (await lookAround(this.#folder)).filter(({ number }) => number !== this.#number);
    const beaten = others.some(({ number, says }) => {
      if (says === undefined) return false;
      return number < this.#number || says.state !== 'candidate';
    });
    if (!beaten) this.#says = { state: 'starting' };
    return !beaten;
  }

  announce(says: Answer): void {
    this.#says = says;
  }

  /** Closing takes the name away too. */
  release(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
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

interface Found {
  readonly number: number;
  readonly path: string;
  /** `undefined`: dead. */
  readonly says: Answer | undefined;
}

async function lookAround(folder: string): Promise<Found[]> {
  const names = (await readdir(folder)).filter((name) => NAME.test(name));
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      return { number: Number(NAME.exec(name)?.[1]), path, says: await ask(path) };
    }),
  );
}

function ask(path: string): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8');
    // Alive and mute: a process that hangs still holds the folder.
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk: string) => (text += chunk));
    socket.once('error', (error) => {
      if (isErrno(error, 'ENOENT', 'ECONNREFUSED', 'ENOTSOCK')) resolve(undefined);
      else if (isErrno(error, 'ECONNRESET', 'EPIPE')) resolve({ state: 'stopping' });
      else reject(error);
    });
    socket.once('close', () => resolve(parse(text)));
  });
}

function parse(text: string): Answer {
  try {
    return answer.parse(JSON.parse(text));
  } catch {
    return { state: 'starting' };
  }
}
