import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

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

const LINES = 20;

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
  const child = spawn('sh', ['-c', 'umask 022; exec "$@"', 'sh', ...env, ...npm], {
    cwd: folder,
    // A group of its own: what npm starts ends with it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = lastLines(child);
  const end = (): void => endGroup(child.pid);
  signal.addEventListener('abort', end, { once: true });
  try {
    const [code, ending] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (code === 127) throw new NpmError('npm is not on the PATH.', said());
    if (code !== 0) throw new NpmError(explained(said(), ending ?? `code ${code ?? 0}`), said());
  } finally {
    signal.removeEventListener('abort', end);
  }
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

function lastLines(child: ChildProcess): () => readonly string[] {
  let rest = '';
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const [last = '', ...before] = `${rest}${chunk}`.split('\n').reverse();
      rest = last;
      lines.push(...before.reverse().filter((line) => line.trim() !== ''));
      lines.splice(0, Math.max(0, lines.length - LINES));
    });
  return () => (rest.trim() === '' ? [...lines] : [...lines, rest]);
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
