import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm, stat, type FileHandle } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AppError } from '../contract/errors.js';

/**
 * One process writes a repository. The lock is a listening socket in the repository's folder: it answers as long as its
 * process lives, and a process that was killed cannot leave a locked repository behind.
 */
export interface RepositoryLock {
  release(): Promise<void>;
}

const SOCKET = 'fullstackagent.sock';
/** `sockaddr_un.sun_path` is 108 bytes on Linux, 104 elsewhere, with the final NUL. */
const SOCKET_PATH_MAX = 103;
/** A process that is stopped takes the connection and says nothing: it holds the repository all the same. */
const ANSWER_PATIENCE_MS = 2_000;

/** Throws NOT_READY, naming the other process, where one holds the repository. */
export async function lockRepository(
  gitDir: string,
  answerPatienceMs = ANSWER_PATIENCE_MS,
): Promise<RepositoryLock> {
  const address = await socketAddress(gitDir);
  const held: Server[] = [];
  try {
    for (const name of await kernelNames(gitDir)) held.push(await listen(name));
    const holder = await holderOf(address.path, answerPatienceMs);
    if (holder !== undefined) throw inUse(gitDir, holder);
    // Nobody answers, so what lies there is a dead process's.
    await rm(join(gitDir, SOCKET), { force: true });
    held.push(await listen(address.path));
    return { release: () => releaseAll(held, address.handle) };
  } catch (error) {
    const reason = isAddressInUse(error)
      ? inUse(gitDir, await holderOf(address.path, answerPatienceMs))
      : error;
    await releaseAll(held, address.handle);
    throw reason;
  }
}

const isAddressInUse = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

const inUse = (gitDir: string, holder = 'another process'): AppError =>
  new AppError(
    'NOT_READY',
    `The repository ${gitDir} is in use by ${holder}. Stop it first: there is one writer.`,
  );

/**
 * Linux: a name that the kernel gives to one process and takes back when it dies, so that two starters cannot both find
 * a dead socket and replace it. It does not reach across network namespaces; the socket file does.
 */
async function kernelNames(gitDir: string): Promise<readonly string[]> {
  if (process.platform !== 'linux') return [];
  const { dev, ino } = await stat(gitDir);
  const name = createHash('sha256').update(`${dev} ${ino}`).digest('hex').slice(0, 32);
  return [`\0fullstackagent-${name}`];
}

interface Address {
  readonly path: string;
  readonly handle?: FileHandle;
}

async function socketAddress(gitDir: string): Promise<Address> {
  const path = join(gitDir, SOCKET);
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return { path };
  if (process.platform !== 'linux')
    throw new AppError(
      'STORAGE_UNAVAILABLE',
      `The path ${gitDir} is too long: choose a folder nearer to the root.`,
    );
  // The same folder under a short name.
  const handle = await open(gitDir, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${handle.fd}/${SOCKET}`, handle };
}

/** Who answers at the socket; undefined where nobody does. */
async function holderOf(path: string, patienceMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let said = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (said += text));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    const answer = (): void => {
      socket.destroy();
      resolve(said.trim() || 'another process');
    };
    socket.once('end', answer);
    socket.setTimeout(patienceMs, answer);
  });
}

function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(`process ${process.pid}\n`);
  });
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

/** Last taken, first given back: the socket's file is removed while the kernel's name still keeps others out. */
async function releaseAll(servers: readonly Server[], handle: FileHandle | undefined): Promise<void> {
  for (const server of [...servers].reverse())
    await new Promise<void>((resolve) => server.close(() => resolve()));
  await handle?.close();
}
