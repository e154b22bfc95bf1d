import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Surroundings } from '../exec/start.js';

export interface Preparation {
  /** Where `script` is, as programs of the pod call it. */
  readonly script: string;
  readonly surroundings: Surroundings;
  readonly tell: (said: Said) => void;
}

/** What the script says, a line each. */
export interface Said {
  readonly failed: boolean;
  readonly message: string;
}

const LINE = /^prepare-workspace: (warning: )?(.*)$/;
const NOT_PREPARED = 'The workspace could not be prepared. The terminal starts without it.';

/**
 * Prepares a pod's volume by the image's own script. Resolves as soon as shells may start, whatever became of it; a
 * repository may still be on its way then, for which they wait themselves.
 */
export function prepareWorkspace({ script, surroundings, tell }: Preparation): Promise<void> {
  const { cwd, env, command } = surroundings;
  const { file, args } = command('bash', ['-p', script]);
  // A group of its own, as every program of a pod has.
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  createInterface({ input: child.stderr }).on('line', (line) => {
    const [, warning, message = line] = LINE.exec(line) ?? [];
    if (message !== '') tell({ failed: warning !== undefined, message });
  });
  return new Promise((resolve) => {
    const end = (isPrepared: boolean): void => {
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
