import { randomBytes } from 'node:crypto';
import { addAbortSignal, type Readable } from 'node:stream';
import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import type { BuildLog } from './build-log.js';
import { BUILD, BUILD_EXITS, READ_IMAGE } from './build-script.js';
import type { Runner, SandboxProgram } from './exec-stream.js';

export interface BuildRequest {
  /** What a workspace without a Dockerfile is built on. */
  readonly nodeImage: string;
  /** How an app without a Dockerfile is started. */
  readonly command: string | undefined;
}

export interface BuildPlace {
  readonly sandbox: Runner;
  readonly key: ProjectKey;
  readonly signal: AbortSignal;
}

/** An image that is in a sandbox as long as it is held. */
export interface BuiltImage {
  open(path: string): Promise<Readable>;
}

interface BuildOutput {
  readonly log: BuildLog;
  readonly onLines: (lines: readonly string[]) => void;
}

/** How long a sandbox may take to end a build that nobody wants any more. */
const END_LIMIT_MS = 15_000;

/**
 * Builds, and calls `use` with the image, which is there until that is done. Throws an AppError with a sentence for the
 * person, the reason of the signal, or what `use` throws.
 */
export async function buildInSandbox<T>(
  { sandbox, key, signal }: BuildPlace,
  request: BuildRequest & BuildOutput,
  use: (image: BuiltImage) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  // So that no line of a build is taken for ours: whoever prints this one did not guess it.
  const mark = randomBytes(16).toString('hex');
  const start = request.command === undefined ? '' : JSON.stringify(request.command);
  const program = await script({ sandbox, key }, BUILD, [mark, request.nodeImage, start]);
  // The end of its input is what ends it, whatever it is doing.
  const end = (): void => {
    program.stdin.end();
    setTimeout(() => {
      program.abort();
    }, END_LIMIT_MS).unref();
  };
  signal.addEventListener('abort', end);
  try {
    await untilReady(program, mark, request);
    return await use({ open: (path) => openFile({ sandbox, key, signal }, path) });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    end();
    program.stdout.resume();
    await program.ended.catch(() => undefined);
  }
}

async function untilReady(
  program: SandboxProgram,
  mark: string,
  { log, onLines }: BuildOutput,
): Promise<void> {
  const { stdout, ended } = program;
  const pass = (lines: readonly string[]): boolean => {
    const ready = lines.indexOf(`${mark} ready`);
    const own = ready === -1 ? lines : lines.slice(0, ready);
    if (own.length > 0) onLines(own);
    return ready !== -1;
  };
  for await (const chunk of stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    if (pass(log.take(chunk))) return;
  pass(log.end());
  const { exitCode, complaint } = await ended;
  throw failure(exitCode, complaint, log);
}

/** What it prints is the file; that it is the right one is seen by its digest. */
async function openFile({ signal, ...where }: BuildPlace, path: string): Promise<Readable> {
  const program = await script(where, READ_IMAGE, [path]);
  const { stdin, stdout } = program;
  stdin.end();
  stdout.once('close', () => {
    program.abort();
  });
  // What is there may be anything, also a pipe that nobody writes to: the end of the build ends the reading.
  return addAbortSignal(signal, stdout);
}

/** Whatever runs by exec has the container's environment, and a Dockerfile's programs could read that. */
async function script(
  { sandbox, key }: Pick<BuildPlace, 'sandbox' | 'key'>,
  text: string,
  words: readonly string[],
): Promise<SandboxProgram> {
  const command = ['env', '-u', 'TTYD_ACCESS_TOKEN', 'sh', '-c', text, 'sh', ...words];
  const program = await sandbox.run(key, command);
  // A connection that is lost while nobody reads or writes is heard of at the end.
  program.stdin.on('error', () => undefined);
  program.stdout.on('error', () => undefined);
  return program;
}

const MESSAGES: Readonly<Record<number, string>> = {
  [BUILD_EXITS.busy]: 'Another build runs in this sandbox. Wait for it, or end it in a terminal.',
  [BUILD_EXITS.noBuildah]:
    "There is no buildah in this sandbox. Choose the platform's sandbox image, or add buildah to your own.",
  [BUILD_EXITS.notAllowed]:
    'This sandbox may not make user namespaces, which building an image needs. Restart the project; if that does not help, an operator looks at spec.sandbox.userNamespaces and at the nodes (docs/kubernetes.md).',
  [BUILD_EXITS.nothingToBuild]:
    'There is nothing to build: add a Dockerfile to the workspace, or a package.json with a "start" script.',
};

function failure(exitCode: number, complaint: string, log: BuildLog): AppError {
  const cause = new Error(`exit code ${exitCode}: ${complaint}`);
  const known = MESSAGES[exitCode];
  if (known !== undefined) return new AppError('ACTION_NOT_ALLOWED', known, { cause });
  const said = log.lastLines(3).join(' ') || complaint;
  return new AppError(
    'ACTION_NOT_ALLOWED',
    `The build failed (exit code ${exitCode}): ${said.slice(0, 600)}`,
    {
      cause,
    },
  );
}
