import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { gitEnvironment } from './git-environment.js';

interface Waiting {
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: Error) => void;
}

/** Something of the repository that is there, or has to be, and cannot be read. The message is for a person. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
}

export interface GitObject {
  readonly type: string;
  readonly content: Buffer;
}

/**
 * Objects of a bare repository through one long-lived `git cat-file --batch`: a process for each read would cost more
 * than the read. Answers come in the order of the questions.
 */
export class ObjectReader {
  #child: ChildProcessWithoutNullStreams | undefined;
  #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #size = 0;
  #wanted = 0;

  constructor(private readonly repository: string) {}

  /**
   * `name`: an object id, or `<commit>:<path>`. Undefined where git says that it is missing: the path is not in that
   * commit, or an object on the way to it is not in the repository. Throws UnreadableError for everything else.
   */
  read(name: string): Promise<GitObject | undefined> {
    if (name.includes('\n'))
      return Promise.reject(new UnreadableError('A name with a line break is no object.'));
    return new Promise((resolve, reject) => {
      const child = (this.#child ??= this.#start());
      this.#waiting.push({ resolve, reject });
      child.stdin.write(`${name}\n`);
    });
  }

  close(): void {
    this.#child?.stdin.end();
    this.#child?.kill('SIGTERM');
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn(
      'git',
      ['-c', 'safe.directory=*', `--git-dir=${this.repository}`, 'cat-file', '--batch'],
      {
        env: gitEnvironment(),
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      if (this.#size >= this.#wanted) this.#drain();
    });
    child.stderr.resume();
    child.stdin.on('error', () => undefined);
    const gone = (): void => this.#fail(child);
    child.on('error', gone);
    child.on('close', gone);
    return child;
  }

  #fail(child: ChildProcessWithoutNullStreams): void {
    if (this.#child !== child) return;
    const waiting = this.#waiting;
    this.#child = undefined;
    this.#waiting = [];
    this.#chunks = [];
    this.#size = 0;
    this.#wanted = 0;
    for (const { reject } of waiting) reject(new UnreadableError('Git could not read the repository.'));
  }

  #drain(): void {
    let buffer = Buffer.concat(this.#chunks);
    for (;;) {
      const answer = parseAnswer(buffer);
      if (answer.kind === 'incomplete') {
        this.#chunks = [buffer];
        this.#size = buffer.length;
        this.#wanted = answer.wanted;
        return;
      }
      buffer = buffer.subarray(answer.length);
      const asked = this.#waiting.shift();
      if (answer.kind === 'unknown')
        asked?.reject(new UnreadableError(`Git did not find it: ${answer.line}`));
      else asked?.resolve(answer.object);
    }
  }
}

type Answer =
  | { readonly kind: 'incomplete'; readonly wanted: number }
  | { readonly kind: 'unknown'; readonly length: number; readonly line: string }
  | { readonly kind: 'answer'; readonly length: number; readonly object: GitObject | undefined };

/** `<id> <type> <size>\n<content>\n`, or `<name> missing\n`, or what is wrong with the name. */
function parseAnswer(buffer: Buffer): Answer {
  const end = buffer.indexOf(10);
  if (end === -1) return { kind: 'incomplete', wanted: buffer.length + 1 };
  const line = buffer.subarray(0, end).toString('latin1');
  const match = /^[0-9a-f]{40,64} (\w+) (\d+)$/.exec(line);
  if (match === null)
    return line.endsWith(' missing')
      ? { kind: 'answer', length: end + 1, object: undefined }
      : { kind: 'unknown', length: end + 1, line };
  const length = end + 1 + Number(match[2]) + 1;
  if (buffer.length < length) return { kind: 'incomplete', wanted: length };
  return {
    kind: 'answer',
    length,
    object: { type: match[1] ?? '', content: Buffer.from(buffer.subarray(end + 1, length - 1)) },
  };
}

export interface TreeEntry {
  readonly mode: string;
  readonly name: string;
  readonly id: string;
}

/** A tree object: `<mode> <name>\0<20 bytes of id>`, again and again. */
export function parseTree(content: Buffer): readonly TreeEntry[] {
  const entries: TreeEntry[] = [];
  let position = 0;
  while (position < content.length) {
    const space = content.indexOf(0x20, position);
    const zero = content.indexOf(0, space);
    entries.push({
      mode: content.subarray(position, space).toString('latin1'),
      name: content.subarray(space + 1, zero).toString('utf8'),
      id: content.subarray(zero + 1, zero + 21).toString('hex'),
    });
    position = zero + 21;
  }
  return entries;
}
