import { onPath } from './on-path.mjs';

/** What adds a program, by the name that each package manager has for it. Absent: it has none. */
const NAMES = {
  git: { 'apt-get': 'git', dnf: 'git', pacman: 'git', apk: 'git', zypper: 'git', brew: 'git' },
  tar: { 'apt-get': 'tar', dnf: 'tar', pacman: 'tar', apk: 'tar', zypper: 'tar' },
  bubblewrap: {
    'apt-get': 'bubblewrap',
    dnf: 'bubblewrap',
    pacman: 'bubblewrap',
    apk: 'bubblewrap',
    zypper: 'bubblewrap',
  },
  passt: { 'apt-get': 'passt', dnf: 'passt', pacman: 'passt', apk: 'passt', zypper: 'passt' },
  'util-linux': {
    'apt-get': 'util-linux',
    dnf: 'util-linux',
    pacman: 'util-linux',
    apk: 'util-linux-misc',
    zypper: 'util-linux',
  },
  kubectl: {
    'apt-get': 'kubernetes-client',
    dnf: 'kubernetes-client',
    pacman: 'kubectl',
    apk: 'kubectl',
    zypper: 'kubernetes-client',
    brew: 'kubernetes-cli',
  },
  psql: {
    'apt-get': 'postgresql-client',
    dnf: 'postgresql',
    pacman: 'postgresql-libs',
    apk: 'postgresql-client',
    zypper: 'postgresql',
    brew: 'libpq',
  },
  sshd: {
    'apt-get': 'openssh-server',
    dnf: 'openssh-server',
    pacman: 'openssh',
    apk: 'openssh-server',
    zypper: 'openssh-server',
  },
  python3: {
    'apt-get': 'python3',
    dnf: 'python3',
    pacman: 'python',
    apk: 'python3',
    zypper: 'python3',
    brew: 'python3',
  },
  rsync: { 'apt-get': 'rsync', dnf: 'rsync', pacman: 'rsync', apk: 'rsync', zypper: 'rsync', brew: 'rsync' },
  chromium: {
    'apt-get': 'chromium',
    dnf: 'chromium',
    pacman: 'chromium',
    apk: 'chromium',
    zypper: 'chromium',
  },
  etcd: { 'apt-get': 'etcd-server', dnf: 'etcd', apk: 'etcd', brew: 'etcd' },
  tmux: { 'apt-get': 'tmux', dnf: 'tmux', pacman: 'tmux', apk: 'tmux', zypper: 'tmux', brew: 'tmux' },
  nginx: {
    'apt-get': 'nginx-light',
    dnf: 'nginx',
    pacman: 'nginx',
    apk: 'nginx',
    zypper: 'nginx',
    brew: 'nginx',
  },
  tini: { 'apt-get': 'tini', dnf: 'tini', apk: 'tini', brew: 'tini' },
  shellcheck: {
    'apt-get': 'shellcheck',
    dnf: 'ShellCheck',
    pacman: 'shellcheck',
    apk: 'shellcheck',
    zypper: 'ShellCheck',
    brew: 'shellcheck',
  },
  gpg: { 'apt-get': 'gpg', dnf: 'gnupg2', pacman: 'gnupg', apk: 'gnupg', zypper: 'gpg2', brew: 'gnupg' },
};

const INSTALL = {
  'apt-get': 'apt-get install',
  dnf: 'dnf install',
  pacman: 'pacman -S',
  apk: 'apk add',
  zypper: 'zypper install',
  brew: 'brew install',
};

/** The one of this machine, or `undefined`. */
export function packageManager() {
  return Object.keys(INSTALL).find((name) => onPath(name) !== undefined);
}

/** One command for all of them; without a package manager that we know, their names. */
export function installCommand(manager, wanted) {
  const names = [...new Set(wanted.map((name) => (manager === undefined ? name : NAMES[name]?.[manager])))];
  const known = names.filter((name) => name !== undefined);
  if (known.length === 0) return undefined;
  if (manager === undefined) return `Install with the tools of this system: ${known.join(', ')}`;
  // Homebrew refuses root; the others want it.
  const asRoot = manager === 'brew' || process.getuid?.() === 0 ? '' : 'sudo ';
  return `${asRoot}${INSTALL[manager]} ${known.join(' ')}`;
}
