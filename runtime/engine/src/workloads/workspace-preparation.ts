import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Surroundings } from '../exec/start.js';
import { LineSplitter } from '../logs/index.js';
import { signal } from './processes.js';

export interface Preparation {
  /** Where `script` is, as programs of the pod call it. */
  readonly script: string;
  readonly surroundings: Surroundings;
  readonly tell: (said: Said) => void;
  /** How long a start waits for it; undefined: {@link LIMIT_MS}. */
  readonly limitMs?: number;
}

/** What the script says, a line each. */
export interface Said {
  readonly failed: boolean;
  readonly message: string;
}

const LINE = /^prepare-workspace: (warning: )?(.*)$/;
const NOT_PREPARED = 'The workspace could not be prepared. The terminal starts without it.';
/** What it waits for itself takes a moment. What it finds on the volume is the sandbox's, and may let it wait for ever. */
const LIMIT_MS = 20_000;
/** It says a handful of lines. What it starts obeys the volume and the project's variables, and may say anything. */
const MAX_LINES = 50;
const MAX_LENGTH = 1000;

/**
 * Prepares a pod's volume by the image's own script. Resolves as soon as shells may start, whatever became of it; a
 * repository may still be on its way then, for which they wait themselves.
 */
export function prepareWorkspace({
  script,
  surroundings,
  tell,
  limitMs = LIMIT_MS,
}: Preparation): Promise<void> {
  const { cwd, env, command } = surroundings;
  const { file, args } = command('bash', ['-p', script]);
  // A group of its own, as every program of a pod has.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  tellLines(child.stderr, tell);
  return new Promise((resolve) => {
    const limit = setTimeout(() => {
      if (child.pid !== undefined) signal([-child.pid], 'SIGKILL');
    }, limitMs);
    const end = (isPrepared: boolean): void => {
      clearTimeout(limit);
      if (!isPrepared) tell({ failed: true, message: NOT_PREPARED });
      resolve();
    };
    child.once('error', () => {
      end(false);
    });
    child.once('exit', (code) => {
      end(code === 0);
    });
  });
}

/** Read to its end, so that nobody waits who writes; told is only so much. */
function tellLines(stream: Readable, tell: Preparation['tell']): void {
  const splitter = new LineSplitter(() => new Date());
  let left = MAX_LINES;
  const take = (lines: ReturnType<LineSplitter['take']>): void => {
    for (const { text } of lines) {
      const [, warning, message = text] = LINE.exec(text) ?? [];
      if (message === '' || left === 0) continue;
      left -= 1;
      tell({ failed: warning !== undefined, message: message.slice(0, MAX_LENGTH) });
    }
  };
  stream.on('data', (chunk: Buffer) => take(splitter.take(chunk)));
  stream.once('end', () => take(splitter.end()));
}
