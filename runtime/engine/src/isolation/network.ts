import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Confinement } from './confinement.js';
import { withTun } from './tun.js';
import type { Bubblewrap } from './types.js';

export interface NetworkOptions {
  readonly isolation: Bubblewrap;
  readonly confinement: Pick<Confinement, 'pid' | 'prefix'>;
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
  #child: ChildProcess | undefined;
  #reached: ReadonlySet<number>;
  #closed = false;
  #restarting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: NetworkOptions,
    reached: Iterable<number>,
  ) {
    this.#reached = new Set(reached);
    this.#start();
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
    this.#closed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'close');
    child.stdin?.end();
    await ended;
  }

  #start(): void {
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
    const child = spawn(file, args, {
      cwd: '/',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...markers },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2_000)));
    child.once('error', (err) => this.options.log.error({ err }, 'a sandbox has no network'));
    child.stdin.on('error', () => undefined);
    child.once('close', (code) => {
      if (this.#closed || child !== this.#child) return;
      const asked = this.#restarting;
      this.#restarting = false;
      if (!asked)
        this.options.log.error(
          { code, said: complaint(said) },
          'the network of a sandbox ended; it is started again',
        );
      this.#timer = setTimeout(() => this.#start(), asked ? 0 : RESTART_MS);
    });
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

/** Without what it says of itself: in a container there is no log of the system. */
const complaint = (said: string): string =>
  said
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^Failed to send \d+ bytes to syslog$/.test(line))
    .join('; ');
