import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../contract/errors.js';
import type {
  DownloadQuery,
  UploadedDto,
  UploadQuery,
  UploadStateDto,
  UploadStateQuery,
} from '../contract/files.js';
import type { ProjectKey } from '../model/intent.js';
import { allOf } from './answers.js';
import type { Runner, SandboxProgram } from './exec-stream.js';
import { DOWNLOAD, FILE_EXITS, UPLOAD, UPLOAD_CANCEL, UPLOAD_STATE } from './file-scripts.js';
import { UnfinishedUploads, type NamedUpload } from './unfinished-uploads.js';

export interface Download {
  /** Absent for a folder, which comes as a gzipped tar. */
  readonly size?: number;
  readonly content: Readable;
  abort(): void;
}

/** The first line of a download is a few bytes. */
const HEAD_LIMIT_BYTES = 64;
/** A path that the kernel takes, or two numbers. */
const ANSWER_LIMIT_BYTES = 8 * 1024;
/** A page that lost its connection goes on within seconds, somebody who opened their laptop again within this. */
const UNFINISHED_KEPT_MS = 3_600_000;

/** Files of a sandbox, by programs that run in it: they can go no further than whoever works there. */
export class SandboxFiles {
  readonly #unfinished: UnfinishedUploads;

  constructor(
    private readonly sandbox: Runner,
    unfinishedKeptMs = UNFINISHED_KEPT_MS,
  ) {
    this.#unfinished = new UnfinishedUploads({
      keptMs: unfinishedKeptMs,
      remove: (upload) => this.#removePart(upload),
    });
  }

  /** Throws NOT_FOUND, NOT_READY, FORBIDDEN where the path leads out. */
  async download(key: ProjectKey, { session = '', path }: DownloadQuery): Promise<Download> {
    const program = await this.#script(key, DOWNLOAD, [session, path]);
    program.stdin.end();
    const head = await firstLine(program);
    if (head === undefined) {
      const { exitCode, complaint } = await program.ended;
      throw failure(exitCode, complaint);
    }
    const [kind, size] = head.split(' ');
    return {
      ...(kind === 'file' ? { size: Number(size) } : {}),
      content: program.stdout,
      abort: () => {
        program.abort();
      },
    };
  }

  uploadState(key: ProjectKey, query: UploadStateQuery): Promise<UploadStateDto> {
    return this.#unfinished.ask({ key, query }, () => this.#stateOfPart({ key, query }));
  }

  async #stateOfPart({ key, query }: NamedUpload): Promise<UploadStateDto> {
    const { session = '', path, upload } = query;
    const program = await this.#script(key, UPLOAD_STATE, [session, path, upload]);
    program.stdin.end();
    const [received = '0', exists = '0'] = (await answerOf(program)).split(' ');
    return { received: Number(received), exists: exists === '1' };
  }

  /** Forgets what came of an upload that nobody goes on with. It is not taken again. */
  cancelUpload(key: ProjectKey, query: UploadStateQuery): Promise<void> {
    return this.#unfinished.giveUp({ key, query });
  }

  async #removePart({ key, query: { session = '', path, upload } }: NamedUpload): Promise<void> {
    const program = await this.#script(key, UPLOAD_CANCEL, [session, path, upload]);
    program.stdin.end();
    await answerOf(program);
  }

  /** Takes `content` from the offset on. What came before it broke stays for a while, and can be gone on with. */
  upload(key: ProjectKey, query: UploadQuery, content: Readable): Promise<UploadedDto> {
    return this.#unfinished.take({ key, query }, (signal) => this.#take({ key, query, content }, signal));
  }

  async #take({ key, query, content }: Incoming, signal: AbortSignal): Promise<UploadedDto> {
    // A client that left while it waited begins nothing in the sandbox.
    if (signal.aborted || content.destroyed) throw interrupted(content.errored);
    const { session = '', path, upload, offset, size, clash } = query;
    const words = [session, path, upload, String(offset), String(size), clash];
    const program = await this.#script(key, UPLOAD, words);
    const answer = answerOf(program);
    try {
      await Promise.race([pipeline(content, program.stdin, { signal }), answer]);
    } catch (error) {
      if (error instanceof AppError) throw error;
      program.abort();
      await answer.catch(() => undefined);
      throw interrupted(error);
    }
    return { path: await answer };
  }

  #script(key: ProjectKey, script: string, words: readonly string[]): Promise<SandboxProgram> {
    // Whatever runs by exec has the container's environment, and other shells can read that of a program.
    return this.sandbox.run(key, ['env', '-u', 'TTYD_ACCESS_TOKEN', 'sh', '-c', script, 'sh', ...words]);
  }
}

interface Incoming {
  readonly key: ProjectKey;
  readonly query: UploadQuery;
  readonly content: Readable;
}

const interrupted = (cause: unknown): AppError =>
  new AppError('BAD_REQUEST', 'The upload was interrupted. It can be gone on with.', { cause });

/** All that a program prints, a line; throws what its exit code means. */
async function answerOf(program: SandboxProgram): Promise<string> {
  const answer = await allOf(program, ANSWER_LIMIT_BYTES);
  const { exitCode, complaint } = await program.ended;
  if (exitCode !== 0) throw failure(exitCode, complaint);
  return answer.replace(/\n$/, '');
}

/** The rest of the output stays in the stream. undefined: it ended without one. */
export async function firstLine(
  { stdout }: SandboxProgram,
  limitBytes = HEAD_LIMIT_BYTES,
): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  for await (const chunk of stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\n');
    if (end === -1 && head.length <= limitBytes) continue;
    stdout.unshift(head.subarray(end + 1));
    return head.subarray(0, end).toString('utf8');
  }
  return undefined;
}

function failure(exitCode: number, complaint: string): AppError {
  const cause = new Error(`exit code ${exitCode}: ${complaint}`);
  switch (exitCode) {
    case FILE_EXITS.outside:
      return new AppError('FORBIDDEN', 'This path leads out of the folder.', { cause });
    case FILE_EXITS.missing:
      return new AppError('NOT_FOUND', 'There is no such file or folder.', { cause });
    case FILE_EXITS.noFolder:
      return new AppError('ACTION_NOT_ALLOWED', 'The folder cannot be made: a file is in its way.', {
        cause,
      });
    case FILE_EXITS.clash:
      return new AppError('NAME_TAKEN', 'There is a file of this name already.', { cause });
    case FILE_EXITS.mismatch:
      return new AppError(
        'ACTION_NOT_ALLOWED',
        'The sandbox has another part of this upload. Ask how far it is.',
        {
          cause,
        },
      );
    default:
      return new AppError('ACTION_NOT_ALLOWED', `The sandbox could not do this: ${lastLine(complaint)}`, {
        cause,
      });
  }
}

/** The program's own words: "No space left on device" is for the person. */
const lastLine = (complaint: string): string =>
  complaint.split('\n').at(-1)?.slice(0, 200) || 'it did not say why.';
