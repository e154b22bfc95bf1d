import { AppError } from '../contract/errors.js';
import type { SandboxProgram } from './exec-stream.js';

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
