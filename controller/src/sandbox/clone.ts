import { AppError } from '../contract/errors.js';
import type { CloneDto } from '../contract/workspace.js';
import type { ProjectKey } from '../model/intent.js';
import { answerOfScript, plainText } from './answers.js';
import { READ_CLONE } from './clone-script.js';
import type { Runner } from './exec-stream.js';

const OUTPUT_LIMIT_BYTES = 16 * 1024;
const LIMIT_MS = 10_000;
const MAX_LENGTH = 1000;

/**
 * What became of the repository that a workspace begins with. It goes on coming while the sandbox runs, where no object
 * of the cluster tells of it, so the sandbox is asked.
 */
export class WorkspaceClone {
  constructor(
    private readonly sandbox: Runner,
    private readonly limitMs = LIMIT_MS,
  ) {}

  /** Throws NOT_READY, ACTION_NOT_ALLOWED where the sandbox cannot say it. */
  async of(key: ProjectKey): Promise<CloneDto> {
    const limits = { ms: this.limitMs, bytes: OUTPUT_LIMIT_BYTES };
    const { output, exitCode, complaint } = await answerOfScript(
      this.sandbox,
      { key, script: READ_CLONE },
      limits,
    );
    const [state = '', ...lines] = output.split('\n').map((line) => plainText(line, MAX_LENGTH));
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
    case 'ended':
      return { state: 'failed', what: `Cloning ${first} was ended before it was done.`, triedAgain: true };
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
