import { createInterface } from 'node:readline/promises';
import { readConfig } from '../config.js';
import { StartProblem } from '../problem.js';
import { backUp } from './backup.js';
import { reset } from './reset.js';
import { restore } from './restore.js';
import { manageTools } from './tools.js';

export type Care = 'backup' | 'restore' | 'reset' | 'tools';

/** `npm run backup`, `restore`, `reset` and `tools`, once everything is built. Resolves with the exit code. */
export async function runCare(what: Care, root: string, word: string | undefined): Promise<number> {
  try {
    const { home } = readConfig(root);
    if (what === 'reset') await reset({ home, say, ask });
    else if (what === 'tools') await manageTools({ root, home, action: word, say });
    else await withArchive(what, home, word);
    return 0;
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    console.error(error.message);
    return 1;
  }
}

const say = (line: string): void => {
  console.log(line);
};

async function withArchive(
  what: 'backup' | 'restore',
  home: string,
  archive: string | undefined,
): Promise<void> {
  if (archive === undefined)
    throw new StartProblem(`Name the archive: npm run ${what} -- fullstackagent.tar.gz`);
  if (what === 'backup') await backUp({ home, archive, say, now: () => new Date() });
  else await restore({ home, archive, say });
}

/** One line of what comes in, whether a person types it or a script sends it. */
async function ask(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await new Promise((resolve) => {
      lines.once('close', () => resolve(undefined));
      lines.question(question).then(resolve, () => resolve(undefined));
    });
  } finally {
    lines.close();
  }
}
