import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { isShown, programBinds, type Isolation } from '../isolation/index.js';
import type { AgentState } from './agent-desk.js';
import type { Tool } from './tool-folder.js';

/** As the sandbox image has it: the same version, by the same lock file. */
export const claudeCode = (pinnedIn: string): Tool => ({
  name: 'claude',
  package: '@anthropic-ai/claude-code',
  pinnedIn,
  // 2.1.330 on linux-x64: the archive, twice for a while, and a binary of 381 MB.
  roughBytes: 700_000_000,
});

/** The `claude` that somebody has put on this machine themselves, and whether sandboxes see it there. */
export async function claudeOnPath(path: string, isolation: Isolation): Promise<AgentState['onPath']> {
  const folders = path.split(delimiter).filter((folder) => folder.startsWith('/'));
  const binds = isolation.kind === 'none' ? [] : await programBinds(folders, process.execPath);
  let hidden: string | undefined;
  for (const program of folders.map((folder) => join(folder, 'claude'))) {
    if (!(await isProgram(program))) continue;
    if (isolation.kind === 'none' || (await isShown(program, binds))) return { path: program, shown: true };
    hidden ??= program;
  }
  return hidden === undefined ? undefined : { path: hidden, shown: false };
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
