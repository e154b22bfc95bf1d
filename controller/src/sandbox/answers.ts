import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import type { ExecEnd, Runner, SandboxProgram } from './exec-stream.js';

export interface Script {
  readonly key: ProjectKey;
  /** POSIX shell. */
  readonly script: string;
  /** `$1` and on. */
  readonly words?: readonly string[];
}

/**
 * Runs a script that needs no input, and returns what it printed and how it ended. Throws NOT_READY where the sandbox
 * does not run, and as {@link allOf} and {@link inTime} do.
 */
export async function answerOfScript(
  sandbox: Runner,
  { key, script, words = [] }: Script,
  limits: { readonly ms: number; readonly bytes: number },
): Promise<ExecEnd & { readonly output: string }> {
  const program = await sandbox.run(key, [
    'env',
    '-u',
    'TTYD_ACCESS_TOKEN',
    'sh',
    '-c',
    script,
    'sh',
    ...words,
  ]);
  program.stdin.end();
  return inTime(program, limits.ms, async () => ({
    output: await allOf(program, limits.bytes),
    ...(await program.ended),
  }));
}

/**
 * All that a program prints. Whoever works in a sandbox can put a program of their own in the place of any other, so
 * there is an end to what is kept here of it. Throws ACTION_NOT_ALLOWED for more, after the program was ended.
 */
export async function allOf(
  program: Pick<SandboxProgram, 'stdout' | 'abort'>,
  limitBytes: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) {
      program.abort();
      throw new AppError('ACTION_NOT_ALLOWED', 'The sandbox answered with more than was asked for.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A program that hangs must not keep what waits for it: it is ended then, and `work` hears that the connection broke. */
export async function inTime<T>(
  program: SandboxProgram,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const limit = setTimeout(() => {
    program.abort();
  }, limitMs);
  try {
    return await work();
  } finally {
    clearTimeout(limit);
  }
}

// eslint-disable-next-line no-control-regex -- they are what is taken out
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/g;

/** What somebody in a sandbox may have written, as text for a page: of one line, and not without end. */
export const plainText = (text: string, maxLength: number): string =>
  text.replace(CONTROL_CHARACTERS, '').trim().slice(0, maxLength);
