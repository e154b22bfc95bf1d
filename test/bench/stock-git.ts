import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** What the writer is measured against, in the same folder and in the same run. */

const identity = {
  GIT_AUTHOR_NAME: 'Bench',
  GIT_AUTHOR_EMAIL: 'bench@example.com',
  GIT_COMMITTER_NAME: 'Bench',
  GIT_COMMITTER_EMAIL: 'bench@example.com',
};

/** The least that anything durable can cost: one small file, synced, and its name, synced. */
export async function durableFile(folder: string, bytes: Buffer): Promise<void> {
  const path = join(folder, 'floor');
  const file = await open(`${path}.new`, 'wx');
  await file.writeFile(bytes);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
  const directory = await open(folder, 'r');
  await directory.sync();
  await directory.close();
}

export const git = (gitDir: string, args: readonly string[], input = ''): string =>
  execFileSync('git', [`--git-dir=${gitDir}`, '-c', 'core.fsync=all', ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...identity, GIT_INDEX_FILE: join(gitDir, 'bench-index') },
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  }).trim();

/** What a script does: six commands for one commit. The index is kept from one commit to the next. */
export function commitWithPlumbing(gitDir: string, path: string, text: string): void {
  const blob = git(gitDir, ['hash-object', '-w', '--stdin'], text);
  git(gitDir, ['update-index', '--index-info'], `100644 ${blob}\t${path}\n`);
  const tree = git(gitDir, ['write-tree']);
  const parent = git(gitDir, ['rev-parse', 'refs/heads/main']);
  const commit = git(gitDir, ['commit-tree', tree, '-p', parent, '-m', 'Change a project']);
  git(gitDir, ['update-ref', 'refs/heads/main', commit, parent]);
}

/** What a program does that keeps one git running: a commit, a checkpoint, and its answer. */
export class FastImport {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: Interface;
  readonly #ended: Promise<never>;
  #first = true;

  constructor(gitDir: string) {
    const args = [`--git-dir=${gitDir}`, '-c', 'core.fsync=all', '-c', 'fastimport.unpackLimit=0'];
    this.#child = spawn('git', [...args, 'fast-import', '--quiet', '--done', '--date-format=now'], {
      env: { PATH: process.env['PATH'] ?? '' },
    });
    this.#child.stderr.pipe(process.stderr);
    this.#ended = once(this.#child, 'close').then(() => Promise.reject(new Error('git fast-import ended.')));
    this.#answers = createInterface({ input: this.#child.stdout });
  }

  async commit(path: string, text: string): Promise<void> {
    const answered = once(this.#answers, 'line');
    const from = this.#first ? 'from refs/heads/main^0\n' : '';
    this.#first = false;
    const message = 'Change a project';
    this.#child.stdin.write(
      `commit refs/heads/main\ncommitter Bench <bench@example.com> now\ndata ${String(message.length)}\n${message}\n` +
        `${from}M 100644 inline ${path}\ndata ${String(Buffer.byteLength(text))}\n${text}\n` +
        `checkpoint\nprogress done\n`,
    );
    await Promise.race([answered, this.#ended]);
  }

  async close(): Promise<void> {
    this.#ended.catch(() => undefined);
    const ended = once(this.#child, 'close');
    this.#child.stdin.end('done\n');
    await ended;
  }
}

/** Bytes of all packs once stock git put everything together. */
export function packedSize(gitDir: string): number {
  git(gitDir, ['repack', '-a', '-d', '-q']);
  return Number(/size-pack: (\d+)/.exec(git(gitDir, ['count-objects', '-v']))?.[1]) * 1024;
}

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
