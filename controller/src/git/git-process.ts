import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { simpleGit, type SimpleGit } from 'simple-git';
import { storageFailure } from './failures.js';

/**
 * What every child git sees: none of the surrounding environment but where programs are, so that neither a `GIT_DIR` of
 * the shell nor anybody's own git configuration changes what is read or written here.
 */
export const gitEnvironment = (searchPath: string): Record<string, string> => ({
  PATH: searchPath,
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
});

export interface GitLocation {
  readonly gitDir: string;
  readonly searchPath: string;
  /** Beside the clean environment: where objects lie that are not in the repository yet. */
  readonly objects?: Readonly<Record<string, string>>;
}

/** Commands whose output is text. */
export function textGit({ gitDir, searchPath }: GitLocation): SimpleGit {
  // Named outright: git then neither searches nor asks who owns the folder, which may be somebody else's than root's.
  const environment = { ...gitEnvironment(searchPath), GIT_DIR: gitDir };
  return simpleGit({
    baseDir: gitDir,
    maxConcurrentProcesses: 2,
    // The guard is about configuration paths that an outsider chose; /dev/null is the absence of one.
    unsafe: { allowUnsafeConfigPaths: true },
    allowEnvironment: Object.keys(environment).filter((name) => name.startsWith('GIT_')),
  }).env(environment);
}

/** A child git with pipes. `--git-dir` is explicit, so that git neither searches nor asks who owns the folder. */
export function spawnGit(
  { gitDir, searchPath, objects }: GitLocation,
  args: readonly string[],
): ChildProcessWithoutNullStreams {
  const env = { ...gitEnvironment(searchPath), ...objects };
  return spawn('git', [`--git-dir=${gitDir}`, ...args], { cwd: gitDir, env });
}

export interface GitResult {
  readonly code: number | null;
  readonly output: Buffer;
  readonly complaint: string;
}

/** Runs git to its end. Throws STORAGE_UNAVAILABLE only where it cannot be started: what `code` means is the caller's. */
export async function runGit(location: GitLocation, args: readonly string[], input = ''): Promise<GitResult> {
  const child = spawnGit(location, args);
  const output: Buffer[] = [];
  const complaints: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(storageFailure('git cannot be started.', error)));
    child.once('close', (code) => {
      resolve({
        code,
        output: Buffer.concat(output),
        complaint: Buffer.concat(complaints).toString('utf8').trim(),
      });
    });
  });
}

/** The output, as bytes (paths are). Throws STORAGE_UNAVAILABLE with what git said as the cause. */
export async function gitBytes(location: GitLocation, args: readonly string[], input = ''): Promise<Buffer> {
  const { code, output, complaint } = await runGit(location, args, input);
  if (code === 0) return output;
  throw storageFailure(
    `git ${args[0] ?? ''} failed.`,
    new Error(`git ended with ${code ?? 'a signal'}: ${complaint}`),
  );
}
