import { spawn, execFile, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { spawn as spawnInTerminal, type IPty } from '@lydell/node-pty';
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

const built = fileURLToPath(new URL('../../../../node_modules/.cache/kubectl/', import.meta.url));

/** Other minor versions, where test/kubectl/build-kubectl.sh has built them. */
export const builtKubectls: readonly string[] = (existsSync(built) ? readdirSync(built) : [])
  .filter((name) => /^kubectl-[\d.]+$/.test(name))
  .map((name) => join(built, name))
  .filter(isExecutable);

export interface KubectlOptions {
  /** Another than that of this machine. */
  readonly path?: string | undefined;
  /** For its environment. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** kubectl as a person would run it, with a home folder of its own for what it caches. */
export class Kubectl {
  readonly #env: NodeJS.ProcessEnv;

  constructor(
    kubeconfig: string,
    home: string,
    private readonly options: KubectlOptions = {},
  ) {
    this.#env = { ...options.settings, PATH: searchPath(), HOME: home, KUBECONFIG: kubeconfig };
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

  /** In a terminal, as `exec -it` wants one. */
  inTerminal(...args: readonly string[]): IPty {
    return spawnInTerminal(this.#path(), [...args], { env: this.#env, cols: 200, rows: 30 });
  }

  /** For what runs until somebody ends it: `-w`, `logs -f`. */
  start(...args: readonly string[]): ChildProcessWithoutNullStreams {
    return spawn(this.#path(), [...args], { env: this.#env });
  }

  #path(): string {
    const { path = kubectlPath } = this.options;
    if (path === undefined) throw new Error('There is no kubectl on the PATH.');
    return path;
  }
}
