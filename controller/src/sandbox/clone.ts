import { AppError } from '../contract/errors.js';
import type { CloneDto } from '../contract/workspace.js';
import type { ProjectKey } from '../model/intent.js';
import { answerOfScript, plainText } from './answers.js';
import { READ_CLONE } from './clone-script.js';
import type { Runner } from './exec-stream.js';

const OUTPUT_LIMIT_BYTES = 16 * 1024;
const LIMIT_MS = 10_000;
const MAX_LENGTH = 1000;
/** As long as a page waits before it asks again. */
const KEEP_MS = 2_000;
/** They have no looks of their own, and change those of the text around them. */
const FORMAT_CHARACTERS = /\p{Cf}/gu;

/**
 * What became of the repository that a workspace begins with. It goes on coming while the sandbox runs, where no object
 * of the cluster tells of it, so the sandbox is asked.
 */
export class WorkspaceClone {
  /** Running, and given not long ago. */
  readonly #answers = new Map<string, Promise<CloneDto>>();

  /** `keepMs`: for how long an answer, or a failure to get one, is given again. */
  constructor(
    private readonly sandbox: Runner,
    private readonly keepMs = KEEP_MS,
  ) {}

  /**
   * All who ask for a project share one look into its sandbox. Throws NOT_READY, ACTION_NOT_ALLOWED where the sandbox
   * cannot say it.
   */
  of(key: ProjectKey): Promise<CloneDto> {
    const id = `${key.namespace}/${key.name}`;
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const answer = this.#ask(key).finally(() => {
      if (this.keepMs === 0) this.#answers.delete(id);
      else setTimeout(() => this.#answers.delete(id), this.keepMs).unref();
    });
    this.#answers.set(id, answer);
    return answer;
  }

  async #ask(key: ProjectKey): Promise<CloneDto> {
    const limits = { ms: LIMIT_MS, bytes: OUTPUT_LIMIT_BYTES };
    const { output, exitCode, complaint } = await answerOfScript(
      this.sandbox,
      { key, script: READ_CLONE },
      limits,
    );
    const [state = '', ...lines] = output
      .split('\n')
      .map((line) => plainText(line.replace(FORMAT_CHARACTERS, ''), MAX_LENGTH));
    const clone = exitCode === 0 ? cloneIn(state, lines) : undefined;
    if (clone !== undefined) return clone;
    throw new AppError('ACTION_NOT_ALLOWED', 'This sandbox does not say what became of its repository.', {
      cause: new Error(`exit code ${exitCode}: ${complaint}`),
    });
  }
}

function cloneIn(state: string, [first = '', second = '']: readonly string[]): CloneDto | undefined {
  const why = second === '' ? {} : { why: second };
  switch (state) {
    case 'settled':
      return { state };
    case 'cloning':
      return { state, url: first, ...progressIn(second) };
    case 'ended empty':
    case 'ended used':
      return {
        state: 'failed',
        what: `Cloning ${first} was ended before it was done.`,
        triedAgain: state === 'ended empty',
      };
    case 'failed empty':
    case 'failed used':
      return { state: 'failed', what: sentence(first), ...why, triedAgain: state === 'failed empty' };
    default:
      return undefined;
  }
}

/**
 * Of git's many words the count alone, `Receiving objects: 45%`: a server's words reach those who may use the terminal,
 * and this everybody who may see the project.
 */
function progressIn(line: string): { progress?: string } {
  const counted = /^(?:remote: )?([A-Z][a-z]+ (?:objects|deltas|files)): +(\d{1,3}%)/.exec(line);
  return counted === null ? {} : { progress: `${String(counted[1])}: ${String(counted[2])}` };
}

/** The reason was to follow it on the next line. */
const sentence = (line: string): string => line.replace(/:$/, '.');
