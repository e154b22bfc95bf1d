import { AppError } from '../contract/errors.js';
import type { ShellDto } from '../contract/shells.js';
import { SESSION_ID } from '../contract/terminal.js';
import type { ProjectKey } from '../model/intent.js';
import { answerOfScript, plainText } from './answers.js';
import type { Runner } from './exec-stream.js';
import { END_SHELL, LIST_SHELLS, SHELL_EXITS } from './shell-scripts.js';

/** A line for each shell. */
const OUTPUT_LIMIT_BYTES = 64 * 1024;
/** Of all processes of the sandbox, each is looked at. */
const LIMIT_MS = 30_000;

/** The shells of a sandbox. They outlive whoever looked at them, so somebody has to find and to end them. */
export class SandboxShells {
  constructor(
    private readonly sandbox: Runner,
    private readonly limitMs = LIMIT_MS,
  ) {}

  /** Oldest first. Throws NOT_READY, ACTION_NOT_ALLOWED where the sandbox cannot say it. */
  async list(key: ProjectKey): Promise<readonly ShellDto[]> {
    return (await this.#script(key, LIST_SHELLS)).split('\n').flatMap(shellIn);
  }

  /** With what runs in it. Throws NOT_FOUND where there is none, and as `list` does. */
  async end(key: ProjectKey, session: string): Promise<void> {
    await this.#script(key, END_SHELL, session);
  }

  async #script(key: ProjectKey, script: string, ...words: readonly string[]): Promise<string> {
    const limits = { ms: this.limitMs, bytes: OUTPUT_LIMIT_BYTES };
    const { output, exitCode, complaint } = await answerOfScript(
      this.sandbox,
      { key, script, words },
      limits,
    );
    if (exitCode === 0) return output;
    const cause = new Error(`exit code ${exitCode}: ${complaint}`);
    if (exitCode === SHELL_EXITS.missing)
      throw new AppError('NOT_FOUND', 'There is no such shell.', { cause });
    throw new AppError('ACTION_NOT_ALLOWED', 'This sandbox does not say which shells run in it.', { cause });
  }
}

/**
 * A line of what the script prints; nothing for what is none. Whoever works in the sandbox may have written it, and a
 * process may call itself anything.
 */
function shellIn(line: string): readonly ShellDto[] {
  const [, session = '', seconds = '', program = ''] = /^(\S+) (\d{1,10}) \d+ (.+)$/.exec(line) ?? [];
  if (!SESSION_ID.test(session)) return [];
  return [
    { session, program: plainText(program, 40), startedAt: new Date(Number(seconds) * 1000).toISOString() },
  ];
}
