import { AppError } from '../contract/errors.js';

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

/** What a person can do about it, by the code the operating system gives. */
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full.',
  EDQUOT: 'The disk quota is used up.',
  EROFS: 'The disk is read-only.',
  EACCES: 'The process may not write there.',
  EPERM: 'The process may not write there.',
  EIO: 'The disk reports errors.',
  EMFILE: 'The process has too many files open.',
  ENFILE: 'The machine has too many files open.',
};

/** Every failure of git or of its files becomes this, here and nowhere else; `cause` keeps what happened. */
export function storageFailure(what: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const hint = HINTS[codeOf(cause) ?? ''];
  return new AppError('STORAGE_UNAVAILABLE', hint === undefined ? what : `${what} ${hint}`, { cause });
}

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
export const alreadyExists = (error: unknown): boolean => codeOf(error) === 'EEXIST';
export const isForbidden = (error: unknown): boolean => codeOf(error) === 'EACCES';
