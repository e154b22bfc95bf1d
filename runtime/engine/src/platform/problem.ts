/** Ends the start with one line for the person at the terminal and exit code 1. */
export class StartProblem extends Error {
  override readonly name = 'StartProblem';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}
