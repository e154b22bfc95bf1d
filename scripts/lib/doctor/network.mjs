import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../run.mjs';
import { forEngine } from './on-path.mjs';

const DEVICE = '/dev/net/tun';
/** As the engine has it: runtime/engine/src/isolation. */
const STAGES = ['/mnt', '/media', '/srv'];
const OPEN_TUN = join(root, 'runtime', 'engine', 'open-tun.sh');
const SANDBOX_UID = '100000000';
const PATIENCE_MS = 10_000;
const WITHOUT = 'sandboxes share the network of this machine and have other ports than 3000';

const isRoot = () => process.getuid?.() === 0;

/** Whether pasta makes a network here, found out by making one: that it is installed says little. */
export async function networkFinding() {
  const about = { group: 'sandboxes', name: 'network (pasta)' };
  const pasta = forEngine('pasta');
  if (pasta === undefined)
    return { ...about, state: 'missing', says: `without it ${WITHOUT}`, packages: ['passt'] };
  const tools = ['unshare', 'setpriv', 'sh'].map(forEngine);
  if (tools.includes(undefined))
    return { ...about, state: 'missing', says: `not tried: util-linux is missing` };
  const [file, ...args] = trial(pasta, tools);
  const { code, output } = await runWithAll(file, args);
  if (code === 0) return { ...about, state: 'ok', says: pasta };
  const reason = reasonIn(output);
  return {
    ...about,
    state: 'wrong',
    says: `${pasta} cannot make a network here, so ${WITHOUT}: ${reason}`,
    ...remedy(),
  };
}

/** A network with nothing in it, for a program that ends at once; by the user and the way that the engine has for it. */
function trial(pasta, [unshare, setpriv, sh]) {
  const stage = STAGES.find((folder) => existsSync(folder));
  const withTun =
    isRoot() && stage !== undefined && device() === 'closed'
      ? [unshare, '--mount', '--propagation', 'private', '--', sh, OPEN_TUN, stage]
      : [];
  const asUser = isRoot()
    ? [setpriv, '--reuid', SANDBOX_UID, '--regid', SANDBOX_UID, '--clear-groups', '--no-new-privs', '--']
    : [];
  const nothing = ['-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none'];
  const options = ['--foreground', '--quiet', '--config-net', '--no-map-gw', ...nothing];
  return [...withTun, ...asUser, pasta, ...options, '--', '/bin/true'];
}

/** To its end, and then ends what it started: where pasta fails, the program that it was to run waits for it for ever. */
function runWithAll(file, args) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(file, args, { cwd: '/', detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    const endAll = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nobody is left.
      }
    };
    const limit = setTimeout(endAll, PATIENCE_MS);
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('exit', endAll);
    child.once('close', (code) => {
      clearTimeout(limit);
      resolve({ code: code ?? 1, output });
    });
  });
}

function device() {
  const mode = statSync(DEVICE, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return 'absent';
  if (isRoot()) return (mode & 0o006) === 0o006 ? 'open' : 'closed';
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK);
    return 'open';
  } catch {
    return 'closed';
  }
}

function reasonIn(output) {
  const state = device();
  if (state === 'absent') return `there is no ${DEVICE}`;
  if (state === 'closed' && !isRoot()) return `${DEVICE} may be opened by root alone`;
  const said = output
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^Failed to send .* to syslog$/.test(line));
  return said.at(-1) ?? 'it ended without a word';
}

/** In a container there may be no command for it: the device comes from outside. */
function remedy() {
  const sudo = isRoot() ? '' : 'sudo ';
  if (device() === 'absent') return { remedy: `${sudo}modprobe tun` };
  return device() === 'closed' ? { remedy: `${sudo}chmod 666 ${DEVICE}` } : {};
}
