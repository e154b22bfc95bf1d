import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT } from './folders.js';

/** What a test may need from the machine beyond Node, and whether this machine has it. */
export interface Capability {
  /** Where it was found, or `undefined`. */
  readonly path: string | undefined;
  /** Said where a test is skipped for want of it. */
  readonly missing: string;
  /** With `CI=true` its absence is a failure: `.ci/run` installs it. */
  readonly expectedInCi: boolean;
}

export type CapabilityName =
  | 'bwrap'
  | 'chromium'
  | 'git'
  | 'gpg'
  | 'kubectl'
  | 'nginx'
  | 'openssh'
  | 'python3'
  | 'root'
  | 'rsync'
  | 'setpriv'
  | 'shellcheck'
  | 'tini'
  | 'tmux'
  | 'ttyd';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function onPath(names: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function findChromium(): string | undefined {
  const chosen = process.env['CHROMIUM'];
  if (chosen !== undefined && chosen !== '') return isExecutable(chosen) ? chosen : undefined;
  return onPath(['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']);
}

/** nginx lies where only root's PATH looks. */
const onAdministratorsPath = (name: string): string | undefined =>
  onPath([name]) ?? (isExecutable(`/usr/sbin/${name}`) ? `/usr/sbin/${name}` : undefined);

function findTtyd(): string | undefined {
  const built = join(ROOT, 'node_modules', '.cache', 'image', 'ttyd');
  return onPath(['ttyd']) ?? (isExecutable(built) ? built : undefined);
}

/** The client and what a sandbox starts for it; the path is that of `ssh`. */
function findOpenssh(): string | undefined {
  const clients = ['ssh', 'scp', 'sftp', 'ssh-keygen'].map((name) => onPath([name]));
  const server = ['/usr/sbin/sshd', '/usr/lib/openssh/sftp-server'].every(isExecutable);
  return server && !clients.includes(undefined) ? clients[0] : undefined;
}

/** Looked for once, when a test process starts. */
export const capabilities: Readonly<Record<CapabilityName, Capability>> = {
  chromium: {
    path: findChromium(),
    missing: 'no Chromium (install chromium, or name a binary in CHROMIUM)',
    expectedInCi: true,
  },
  git: { path: onPath(['git']), missing: 'no git on the PATH', expectedInCi: true },
  kubectl: { path: onPath(['kubectl']), missing: 'no kubectl on the PATH', expectedInCi: true },
  bwrap: {
    path: onPath(['bwrap']),
    missing: 'no bwrap on the PATH (Debian: bubblewrap)',
    expectedInCi: true,
  },
  gpg: { path: onPath(['gpg']), missing: 'no gpg on the PATH (Debian: gpg)', expectedInCi: true },
  nginx: {
    path: onAdministratorsPath('nginx'),
    missing: 'no nginx on the PATH (Debian: nginx-light)',
    expectedInCi: true,
  },
  openssh: {
    path: findOpenssh(),
    missing: 'no OpenSSH client and server (Debian: openssh-client openssh-server)',
    expectedInCi: true,
  },
  python3: { path: onPath(['python3']), missing: 'no python3 on the PATH', expectedInCi: true },
  rsync: { path: onPath(['rsync']), missing: 'no rsync on the PATH', expectedInCi: true },
  shellcheck: { path: onPath(['shellcheck']), missing: 'no shellcheck on the PATH', expectedInCi: true },
  tini: { path: onPath(['tini']), missing: 'no tini on the PATH', expectedInCi: true },
  tmux: { path: onPath(['tmux']), missing: 'no tmux on the PATH', expectedInCi: true },
  // Debian 13 and older have no package of it, and its source may be out of reach.
  ttyd: {
    path: findTtyd(),
    missing: 'no ttyd (install it, or build it with test/image/build-ttyd.sh)',
    expectedInCi: false,
  },
  setpriv: { path: onPath(['setpriv']), missing: 'no setpriv on the PATH', expectedInCi: false },
  root: {
    path: process.getuid?.() === 0 ? '/' : undefined,
    missing: 'not run as root, so nobody else can be tried',
    expectedInCi: false,
  },
};

export const has = (name: CapabilityName): boolean => capabilities[name].path !== undefined;

/** The path of something that a skip has made sure of. */
export function pathOf(name: CapabilityName): string {
  const { path, missing } = capabilities[name];
  if (path === undefined) throw new Error(missing);
  return path;
}

interface Skipping {
  skip(condition: boolean, note?: string): void;
}

/** First line of a test that needs something: skips it, with the reason, where that is not there. */
export function needs(context: Skipping, ...names: readonly CapabilityName[]): void {
  for (const name of names) context.skip(!has(name), `needs ${name}: ${capabilities[name].missing}`);
}
