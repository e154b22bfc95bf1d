import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { has, needs, pathOf } from '../support/capabilities.js';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { until } from '../support/until.js';

export const RUNTIME = join(ROOT, 'runtime');
export const TOKEN = 'a-token-of-the-tests-0123456789';
const DEVELOPER = 1001;

/** Folders of this machine that are mounted where the manifests mount volumes. */
const MOUNTS = {
  workspace: '/workspace',
  home: '/home/developer',
  tmp: '/tmp',
  env: '/run/fullstackagent/env',
  template: '/opt/fullstackagent/template',
} as const;

/** What the image puts where. */
const FILES: readonly (readonly [source: string, target: string])[] = [
  ['entrypoint.sh', '/usr/local/bin/entrypoint.sh'],
  ['prepare-workspace.sh', '/usr/local/bin/prepare-workspace.sh'],
  ['ttyd-startup.sh', '/usr/local/bin/ttyd-startup.sh'],
  ['check-image.sh', '/usr/local/bin/check-image.sh'],
  ['.bashrc', '/etc/fullstackagent/bashrc'],
  ['image/tmux.conf', '/etc/tmux.conf'],
];

const NEEDED = ['bwrap', 'setpriv', 'root', 'nginx', 'tini', 'tmux', 'ttyd'] as const;

/** Whether this machine can make a container: for hooks, which cannot skip. */
export const canRun = (): boolean => NEEDED.every((name) => has(name)) && namespacesWork();

/** First line of each test that runs the scripts: skips it where this machine cannot make a container. */
export function needsSandbox(ctx: Parameters<typeof needs>[0]): void {
  needs(ctx, ...NEEDED);
  ctx.skip(!namespacesWork(), 'needs user namespaces, and this machine does not allow them');
}

let works: boolean | undefined;
function namespacesWork(): boolean {
  works ??= ((): boolean => {
    try {
      execFileSync(pathOf('bwrap'), ['--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', 'true']);
      return true;
    } catch {
      return false;
    }
  })();
  return works;
}

/**
 * The image's scripts on this machine's programs, as on a cluster: user 1001, no capabilities, no new privileges, a
 * read-only root, process ids of its own. Only the network is this machine's, with a port of its own.
 */
export class Sandbox {
  readonly folder = temporaryFolder('image');
  port = 0;
  #child: ChildProcess | undefined;
  #log = '';

  constructor() {
    chmodSync(this.folder, 0o755);
    for (const name of Object.keys(MOUNTS)) mkdirSync(join(this.folder, name));
    for (const name of ['workspace', 'home', 'tmp'] as const)
      chownSync(this.path(name), DEVELOPER, DEVELOPER);
    mkdirSync(join(this.folder, 'etc'));
    const files = {
      passwd: `root:x:0:0::/root:/bin/bash\ndeveloper:x:${DEVELOPER}:${DEVELOPER}::/home/developer:/bin/bash\n`,
      group: `root:x:0:\ndeveloper:x:${DEVELOPER}:\n`,
      'bash.bashrc': '. /etc/fullstackagent/bashrc\n',
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, 'etc', name), text);
    this.#copyFiles();
  }

  /** The developer's own copies: the repository may lie in a folder that is closed to others. */
  #copyFiles(): void {
    mkdirSync(join(this.folder, 'image'));
    for (const [source] of FILES) copyFileSync(join(RUNTIME, source), this.#copyOf(source));
    if (has('ttyd')) copyFileSync(pathOf('ttyd'), this.#copyOf('ttyd'));
    if (!has('nginx')) return;
    // As the Dockerfile leaves it: to be run by everybody and read by nobody.
    copyFileSync(pathOf('nginx'), this.#copyOf('nginx'));
    chmodSync(this.#copyOf('nginx'), 0o711);
  }

  #copyOf(file: string): string {
    return join(this.folder, 'image', basename(file));
  }

  /** A path of this machine below one of the mounts. */
  path(mount: keyof typeof MOUNTS, ...below: readonly string[]): string {
    return join(this.folder, mount, ...below);
  }

  read = (mount: keyof typeof MOUNTS, ...below: readonly string[]): string =>
    readFileSync(this.path(mount, ...below), 'utf8');

  get log(): string {
    return this.#log;
  }

  /** Starts without waiting; `command` instead of the entrypoint. */
  async launch(
    env: Readonly<Record<string, string>>,
    command: readonly string[] = [],
  ): Promise<ChildProcess> {
    this.port = await freePort();
    this.#log = '';
    const program = command.length === 0 ? ['/usr/local/bin/entrypoint.sh'] : command;
    const child = spawn(pathOf('setpriv'), [...confinement(), ...this.#mounts(), '--', ...program], {
      // The environment and no argument: the token is in it.
      env: {
        PATH: '/usr/local/bin:/usr/bin:/bin',
        HOME: '/home/developer',
        PROJECT_NAME: 'my-blog',
        FULLSTACKAGENT_ENV_DIR: MOUNTS.env,
        TTYD_PORT: String(this.port),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text;
      });
    return child;
  }

  /** Starts, and waits until the terminal answers. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const child = await this.launch({ TTYD_ACCESS_TOKEN: TOKEN, ...env });
    await until('the terminal answers', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${this.#log}`);
      return (await this.get('/')).status === 401;
    });
  }

  /** Runs to the end: the exit code and everything printed. */
  async run(
    env: Readonly<Record<string, string>>,
    command: readonly string[] = [],
  ): Promise<{ code: number | null; output: string }> {
    const child = await this.launch(env, command);
    if (child.exitCode === null) await once(child, 'close');
    return { code: child.exitCode, output: this.#log };
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { headers });
  }

  /** The id, on this machine, of the sandbox's process 1. */
  firstProcess(): number {
    const outer = this.#child?.pid ?? 0;
    const [first] = readFileSync(`/proc/${outer}/task/${outer}/children`, 'utf8').trim().split(' ');
    return Number(first);
  }

  /** SIGTERM to process 1, as the kubelet does; the exit code. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    if (child.exitCode === null && child.signalCode === null) {
      const closed = once(child, 'close');
      process.kill(this.firstProcess(), 'SIGTERM');
      await closed;
    }
    return child.exitCode;
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (child?.exitCode === null) await once(child, 'close');
    return child?.exitCode ?? null;
  }

  remove(): void {
    this.#child?.kill('SIGKILL');
    removeFolder(this.folder);
  }

  #mounts(): string[] {
    const bind = (flag: string, source: string, target: string): string[] => [flag, source, target];
    return [
      ...['/usr', '/etc/ssl', '/etc/alternatives', '/etc/ld.so.cache'].flatMap((path) =>
        bind('--ro-bind-try', path, path),
      ),
      ...['bin', 'lib', 'lib64', 'sbin'].flatMap((name) => bind('--symlink', `usr/${name}`, `/${name}`)),
      ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/usr/local/bin'],
      ...bind('--ro-bind', this.#copyOf('ttyd'), '/usr/local/bin/ttyd'),
      ...bind('--ro-bind', this.#copyOf('nginx'), '/usr/sbin/nginx'),
      ...FILES.flatMap(([source, target]) => bind('--ro-bind', this.#copyOf(source), target)),
      ...['passwd', 'group', 'bash.bashrc'].flatMap((name) =>
        bind('--ro-bind', join(this.folder, 'etc', name), `/etc/${name}`),
      ),
      ...Object.entries(MOUNTS).flatMap(([name, target]) =>
        bind(name === 'env' || name === 'template' ? '--ro-bind' : '--bind', join(this.folder, name), target),
      ),
      ...['--remount-ro', '/usr/local/bin', '--remount-ro', '/', '--chdir', '/workspace'],
    ];
  }
}

const confinement = (): string[] => [
  ...['--reuid', `${DEVELOPER}`, '--regid', `${DEVELOPER}`, '--clear-groups', '--no-new-privs'],
  ...['--inh-caps=-all', '--bounding-set=-all', pathOf('bwrap'), '--unshare-user', '--unshare-pid'],
  ...['--unshare-ipc', '--as-pid-1', '--die-with-parent'],
];
