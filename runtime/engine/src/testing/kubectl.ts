import { spawn, execFile, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { searchPath } from '../config.js';

const run = promisify(execFile);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Stock kubectl, where this machine has it. */
export const kubectlPath: string | undefined = searchPath()
  .split(delimiter)
  .map((folder) => join(folder, 'kubectl'))
  .find(isExecutable);

/** kubectl as a person would run it, with a home folder of its own for what it caches. */
export class Kubectl {
  readonly #env: NodeJS.ProcessEnv;

  constructor(kubeconfig: string, home: string) {
    this.#env = { PATH: searchPath(), HOME: home, KUBECONFIG: kubeconfig };
  }

  /** What it printed, and whether it was content. */
  async run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      const { stdout, stderr } = await run(this.#path(), [...args], { env: this.#env, timeout: 30_000 });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  /** For what runs until somebody ends it: `-w`, `logs -f`. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(this.#path(), [...args], { env: this.#env });
  }

  #path(): string {
    if (kubectlPath === undefined) throw new Error('There is no kubectl on the PATH.');
    return kubectlPath;
  }
}
