import { AppError } from '../contract/errors.js';

/**
 * What can go wrong with a registry, classified here. `message` is a sentence for the person who builds; it holds no
 * credential and no address with one in it.
 */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';

  /** `unreachable`: trying again may help. `denied`: the credential is missing or has no right. `refused`: the content. */
  constructor(
    readonly reason: 'unreachable' | 'denied' | 'refused',
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
  }

  toAppError(): AppError {
    const code = this.reason === 'unreachable' ? 'NOT_READY' : 'ACTION_NOT_ALLOWED';
    return new AppError(code, this.message, { cause: this });
  }
}
