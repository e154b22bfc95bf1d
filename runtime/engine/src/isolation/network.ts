import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Confinement } from './confinement.js';
import { withTun } from './tun.js';
import type { Bubblewrap } from './types.js';

export interface NetworkOptions {
  readonly isolation: Bubblewrap;
  readonly confinement: Pick<Confinement, 'pid' | 'prefix' | 'runs'>;
  readonly pasta: string;
  /** Port inside -> port of this machine, on loopback. */
  readonly published: ReadonlyMap<number, number>;
  readonly markers: Readonly<Record<string, string>>;
  readonly log: Pick<Logger, 'error'>;
}

const RESTART_MS = 1_000;

/**
 * Ends pasta when this process ends, however that happens: the pipe to it closes. By itself pasta would stay, because it
 * changes its rights and so forgets whose death it was to die of.
 */
const WITH_US = `
exec 3<&0
"$@" 3<&- &
pasta=$!
( read -r _ <&3; kill "$pasta" 2>/dev/null ) &
reader=$!
code=0
wait "$pasta" || code=$?
kill "$reader" 2>/dev/null || true
exit "$code"
`;

/**
 * The network of a sandbox: its own loopback and ports, the internet through this machine's, its published ports from
 * there, and of this machine's loopback only the ports that are named. By pasta, without rights of its own.
 */
export class SandboxNetwork {
  /** It was closed, or there is no sandbox any more. */
  readonly ended: Promise<void>;
  #child: ChildProcess | undefined;
  #reached: ReadonlySet<number>;
  #restarting = false;
  readonly #closing = new AbortController();

  constructor(
    private readonly options: NetworkOptions,
    reached: Iterable<number>,
  ) {
    this.#reached = new Set(reached);
    this.ended = this.#keep();
  }

  /** Ports of this machine's loopback that are to be the same inside. Connections are cut where that changes. */
  reach(ports: Iterable<number>): void {
    const wanted = new Set([...this.#reached, ...ports]);
    if (wanted.size === this.#reached.size) return;
    this.#reached = wanted;
    // A new one starts when this one has ended: both would want the same ports.
    this.#restarting = true;
    this.#child?.stdin?.end();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#child?.stdin?.end();
    await this.ended;
  }

  /** pasta knows a sandbox by the number of a process: each time, that has to be the sandbox's still. */
  async #keep(): Promise<void> {
    while (await this.#isWanted()) {
      const { code, said } = await this.#pasta().catch(notStarted);
      if (this.#restarting || !(await this.#isWanted())) continue;
      this.options.log.error({ code, said }, 'the network of a sandbox ended; it is started again');
      await this.#pause();
    }
  }

  /** Not being able to tell is no reason to end it, nor to start one for what may be another process: it is asked again. */
  async #isWanted(): Promise<boolean> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return (await this.options.confinement.runs()) && !signal.aborted;
      } catch (err) {
        const said = 'it cannot be told whether a sandbox still runs; its network waits';
        this.options.log.error({ err, said: String(err) }, said);
        await this.#pause();
      }
    }
    return false;
  }

  async #pause(): Promise<void> {
    await pause(RESTART_MS, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }

  /** Starts it, and answers when it has ended. */
  async #pasta(): Promise<{ readonly code: number | null; readonly said: string }> {
    const { isolation, confinement, pasta, markers } = this.options;
    const command = [pasta, ...this.#arguments(), String(confinement.pid)];
    const [file = '', ...args]: string[] = [
      ...withTun(isolation),
      ...confinement.prefix(),
      '/bin/sh',
      '-c',
      WITH_US,
      'network',
      ...command,
    ];
    this.#restarting = false;
    const child = spawn(file, args, {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...markers },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    // Heard before anything else: where there are no file descriptors left, there are no streams either.
    child.once('error', (err) => this.options.log.error({ err }, 'a sandbox has no network'));
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2_000)));
    child.stdin.on('error', () => undefined);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, said: complaint(said) };
  }

  #arguments(): readonly string[] {
    const { published } = this.options;
    const inward = [...published].flatMap(([inside, here]) => ['-t', `127.0.0.1/${here}:${inside}`]);
    const outward = [...this.#reached].flatMap((port) => ['-T', String(port)]);
    return [
      ...['--foreground', '--quiet', '--config-net', '--no-map-gw', '-u', 'none', '-U', 'none'],
      // Programs inside have no right to a socket of ICMP anyway; without it pasta takes 2 MB less.
      '--no-icmp',
      ...(inward.length > 0 ? inward : ['-t', 'none']),
      ...(outward.length > 0 ? outward : ['-T', 'none']),
    ];
  }
}

const notStarted = (error: unknown): { readonly code: null; readonly said: string } => ({
  code: null,
  said: String(error),
});

/** Without what it says of itself: in a container there is no log of the system. */
const complaint = (said: string): string =>
  said
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^Failed to send \d+ bytes to syslog$/.test(line))
    .join('; ');
