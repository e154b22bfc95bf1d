import { runGroup } from './run-group.js';

export interface NpmOptions {
  /** With package.json and package-lock.json; everything that npm writes is below it. */
  readonly folder: string;
  /** Where npm and Node are. */
  readonly path: string;
  /** `NAME=value`, by which a later life of the engine finds what this one left running. */
  readonly marker?: string | undefined;
  readonly signal: AbortSignal;
}

/** It ended otherwise than well. `lines`: what it said last. */
export class NpmError extends Error {
  override readonly name = 'NpmError';

  constructor(
    message: string,
    readonly lines: readonly string[],
  ) {
    super(message);
  }
}

/**
 * `npm ci`, without any package's own scripts: what is installed is what the lock file names, byte for byte, and nothing
 * of it has run yet. Throws {@link NpmError}, or what the signal was aborted with.
 */
export async function npmCi({ folder, path, marker, signal }: NpmOptions): Promise<void> {
  const npm = [
    ...['npm', 'ci', '--ignore-scripts', '--omit=dev', '--include=optional', '--no-audit', '--no-fund'],
    // Its own cache, so that nothing stays behind in the home folder of whoever runs this.
    ...['--no-progress', '--no-update-notifier', `--cache=${folder}/.cache`],
    // Under `npm start --silent` it would say nothing of what went wrong.
    '--loglevel=notice',
  ];
  const env = ['env', `PATH=${path}`, ...(marker === undefined ? [] : [marker])];
  // Sandboxes of other users read what it writes, whatever the mask of this process is.
  const command = ['sh', '-c', 'umask 022; exec "$@"', 'sh', ...env, ...npm];
  const { code, ending, lines } = await runGroup(command, { folder, signal });
  if (code === 127) throw new NpmError('npm is not on the PATH.', lines);
  if (code !== 0) throw new NpmError(explained(lines, ending), lines);
}

/** What a person can do something about comes first; npm's own words are kept beside it. */
function explained(lines: readonly string[], ending: string): string {
  const text = lines.join('\n');
  if (
    /\b(?:ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/.test(text)
  )
    return 'The npm registry cannot be reached. Try again with the network.';
  if (/\bEINTEGRITY\b/.test(text))
    return 'What the registry sent is not what the lock file names. Nothing was installed.';
  if (/\bENOSPC\b/.test(text)) return 'There is no space left on the disk.';
  if (/\bE40[134]\b/.test(text)) return 'The npm registry does not give the package out.';
  return `npm ended with ${ending}.`;
}
