import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { claude, consent } from './claude.mjs';
import { root, runQuietly } from '../run.mjs';
import { networkFinding } from './network.mjs';
import { forEngine, isProgram, onPath } from './on-path.mjs';

/** Programs that are looked for by name. `without` is what is not to be had where they are missing. */
const PROGRAMS = [
  {
    group: 'tools',
    names: ['kubectl'],
    add: 'kubectl',
    without: 'the engine cannot be looked at from a shell',
  },
  { group: 'tools', names: ['psql'], add: 'psql', without: 'databases are reached by programs only' },
  { group: 'tools', names: ['tar'], add: 'tar', without: 'npm run restore cannot unpack an archive' },
  {
    group: 'tools',
    names: ['sshd'],
    add: 'sshd',
    without: 'editors and ssh cannot connect to sandboxes (docs/editors.md)',
  },
  { group: 'tests', names: ['python3'], add: 'python3', without: "editors' way in is not tried" },
  {
    group: 'tests',
    names: ['rsync'],
    add: 'rsync',
    without: "editors' way in is tried without it",
  },
  { group: 'tests', names: ['etcd'], add: 'etcd', without: 'nothing is tried on a real API server' },
  { group: 'tests', names: ['tmux'], add: 'tmux', without: "the image's sessions are not tried" },
  { group: 'tests', names: ['nginx'], add: 'nginx', without: "the image's front is not tried" },
  { group: 'tests', names: ['tini'], add: 'tini', without: "the image's process 1 is not tried" },
  { group: 'tests', names: ['gpg'], add: 'gpg', without: "the image's package keys are not checked" },
  { group: 'tests', names: ['shellcheck'], add: 'shellcheck', without: 'shell scripts are not checked' },
];

const JOINING = 'nsenter, setpriv, unshare';
const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export async function programFindings() {
  const sandboxes = await isolation();
  const isolated = isIsolated(sandboxes);
  const agent = [claude({ isolated }), ...consent({ isolated })];
  return [...sandboxes, ...agent, ...PROGRAMS.map(byName), chromium(), apiServer()];
}

/** A network of their own and limits are more than that; without one of the others sandboxes are plain processes. */
const isIsolated = (findings) =>
  process.env['SANDBOX_ISOLATION'] !== 'none' &&
  findings.every(({ name, state }) => state === 'ok' || !['isolation', 'bubblewrap', JOINING].includes(name));

function byName({ group, names, add, without }) {
  const path = names.map((each) => onPath(each)).find((found) => found !== undefined);
  if (path !== undefined) return { group, name: names[0], state: 'ok', says: path };
  return { group, name: names[0], state: 'missing', says: `without it ${without}`, packages: [add] };
}

async function isolation() {
  if (process.platform !== 'linux') {
    const says = 'it needs Linux: sandboxes are plain processes of your user';
    return [{ group: 'sandboxes', name: 'isolation', state: 'missing', says }];
  }
  return [await bubblewrap(), await networkFinding(), joining(), controlGroups()];
}

async function bubblewrap() {
  const about = { group: 'sandboxes', name: 'bubblewrap' };
  const path = forEngine('bwrap');
  if (path === undefined) {
    const says =
      'without it sandboxes are plain processes of your user, and sign-up closes after one account';
    return { ...about, state: 'missing', says, packages: ['bubblewrap'] };
  }
  // That it is there says little: containers and some systems forbid what it does.
  const trial = [
    '--unshare-user',
    '--unshare-pid',
    '--ro-bind',
    '/',
    '/',
    '--proc',
    '/proc',
    '--',
    '/bin/true',
  ];
  const { code, output } = await runQuietly(path, trial);
  if (code === 0) return { ...about, state: 'ok', says: path };
  const [reason = 'it ended without a word'] = output.trim().split('\n').slice(-1);
  return { ...about, state: 'wrong', says: `${path} cannot make namespaces here: ${reason}`, ...allow() };
}

/** Ubuntu's and Debian's switches; elsewhere, as in a container, there is no command for it. */
function allow() {
  const switches = ['kernel/apparmor_restrict_unprivileged_userns', 'kernel/unprivileged_userns_clone'];
  const [found] = switches.filter((name) => existsSync(join('/proc/sys', name)));
  if (found === undefined || process.getuid?.() === 0) return {};
  const value = found.includes('apparmor') ? 0 : 1;
  return { remedy: `sudo sysctl -w ${found.replace('/', '.')}=${value}` };
}

function joining() {
  const missing = ['nsenter', 'setpriv', 'unshare'].filter((name) => forEngine(name) === undefined);
  const about = { group: 'sandboxes', name: JOINING };
  if (missing.length === 0) return { ...about, state: 'ok', says: 'there' };
  return { ...about, state: 'missing', says: `not there: ${missing.join(', ')}`, packages: ['util-linux'] };
}

function controlGroups() {
  const about = { group: 'sandboxes', name: 'limits (cgroups)' };
  const version = cgroupVersion();
  const rest = withoutControlGroups();
  if (version === undefined) return { ...about, state: 'missing', says: `no control groups here: ${rest}` };
  if (process.getuid?.() !== 0)
    return { ...about, state: 'missing', says: `version ${version}; only root may make them: ${rest}` };
  const says = `version ${version}; kubectl describe node local says what they limit here`;
  return { ...about, state: 'ok', says };
}

function withoutControlGroups() {
  if (forEngine('prlimit') === undefined)
    return 'memory, processes and CPU of sandboxes are not limited; prlimit, of util-linux, would limit the first two';
  return "each process's memory and its user's processes are limited by prlimit, CPU is not";
}

function cgroupVersion() {
  if (existsSync('/sys/fs/cgroup/cgroup.controllers')) return 2;
  return existsSync('/sys/fs/cgroup/memory') && existsSync('/sys/fs/cgroup/pids') ? 1 : undefined;
}

function chromium() {
  const about = { group: 'tests', name: 'chromium' };
  const chosen = process.env['CHROMIUM'];
  if (chosen !== undefined && chosen !== '' && !isProgram(chosen))
    return { ...about, state: 'wrong', says: `CHROMIUM names ${chosen}, which is no program` };
  const path = chosen || CHROMIUMS.map((each) => onPath(each)).find((found) => found !== undefined);
  if (path !== undefined) return { ...about, state: 'ok', says: path };
  return {
    ...about,
    state: 'missing',
    says: 'without it pages are not clicked through',
    packages: ['chromium'],
  };
}

function apiServer() {
  const about = { group: 'tests', name: 'kube-apiserver' };
  const built = join('node_modules', '.cache', 'real-cluster', 'kube-apiserver');
  if (isProgram(join(root, built))) return { ...about, state: 'ok', says: built };
  const says = 'without it nothing is tried on a real API server';
  return { ...about, state: 'missing', says, remedy: 'sh test/real-cluster/build-api-server.sh' };
}
