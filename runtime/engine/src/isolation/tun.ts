import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bubblewrap } from './types.js';

const DEVICE = '/dev/net/tun';
const SCRIPT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'open-tun.sh');

/** Whether pasta, which runs as a sandbox's user where this process is root, may open the device it makes networks with. */
export function tunDevice(asRoot: boolean): 'open' | 'closed' | 'absent' {
  const mode = statSync(DEVICE, { throwIfNoEntry: false })?.mode;
  if (mode === undefined) return 'absent';
  if (asRoot) return (mode & 0o006) === 0o006 ? 'open' : 'closed';
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK);
    return 'open';
  } catch {
    return 'closed';
  }
}

/** What stands before pasta where the device is closed to it and this process, as root, can open another one for it. */
export function withTun({ asRoot, programs, stage }: Bubblewrap): readonly string[] {
  if (!asRoot || tunDevice(asRoot) !== 'closed') return [];
  return [programs.unshare, '--mount', '--propagation', 'private', '--', programs.sh, SCRIPT, stage];
}

/** For a person: why there is no network, from what pasta said. */
export function whyNoNetwork(asRoot: boolean, said: string): string {
  const device = tunDevice(asRoot);
  const cause = `pasta cannot make a network for a sandbox here${said === '' ? '' : ` (${said})`}`;
  if (device === 'absent')
    return `${cause}: there is no ${DEVICE}. ${command('modprobe tun')}; a container is given it by --device ${DEVICE}.`;
  if (device === 'closed')
    return `${cause}: ${DEVICE} may be opened by root alone. ${command(`chmod 666 ${DEVICE}`)}.`;
  return `${cause}.`;
}

const command = (line: string): string => `What opens it: ${process.getuid?.() === 0 ? '' : 'sudo '}${line}`;
