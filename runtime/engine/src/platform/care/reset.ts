import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { removeFolder } from '../../files/durable.js';
import { endProcesses, MARKERS, processesWith } from '../../workloads/processes.js';
import { outliveEarlierChildren } from '../child-record.js';
import { checkHome, type Home } from '../home.js';
import { takeLock } from '../lock.js';
import { StartProblem } from '../problem.js';

export interface ResetOptions {
  readonly home: string;
  readonly say: (line: string) => void;
  /** What the person typed; `undefined` where nobody can. */
  readonly ask: (question: string) => Promise<string | undefined>;
}

const GRACE_MS = 2000;
const LOCK_PATIENCE_MS = 1000;

/**
 * Removes a home folder for ever, once its name was typed. Throws {@link StartProblem} where it runs, where it is none,
 * and where something else was typed.
 */
export async function reset({ home: root, say, ask }: ResetOptions): Promise<void> {
  const home = await checkHome(root);
  // Held while it is removed: nothing starts on a folder that is going.
  const lock = await takeLock(home.root, LOCK_PATIENCE_MS);
  lock.announce({ state: 'ready', url: 'it is being removed' });
  try {
    say(`This removes ${home.root} for ever:`);
    say(
      'accounts, projects and their history, workspaces, databases, snapshots, backups of databases, keys.',
    );
    const name = basename(home.root);
    const typed = await ask(`Type ${name} to remove it: `);
    if (typed?.trim() !== name) throw new StartProblem('Nothing was removed: that is not its name.');
    await outliveEarlierChildren(home.children);
    await endLeftovers(home);
    await removeFolder(home.root);
  } finally {
    await lock.release();
  }
  say(`Removed ${home.root}. The next npm start begins anew.`);
}

const engineState = z.object({ engineId: z.string() });

/** What was set free of a shell and outlived a killed engine: nobody would find it again. */
async function endLeftovers(home: Home): Promise<void> {
  const text = await readFile(join(home.engine, 'state.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const { engineId } = engineState.parse(JSON.parse(text));
  await endProcesses(() => processesWith(MARKERS.engine, engineId), GRACE_MS);
}
