import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { nextMessage, spawnTypeScript } from '../testing/typescript-process.js';
import { probeIsolation } from './index.js';

const here = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });
const isRoot = process.getuid?.() === 0;
const able = isRoot && here.kind === 'bubblewrap' && here.network.own;

/** In a mount namespace: the device is there, but root's alone, as on machines without udev. */
const CLOSED = `
mount -t tmpfs tmpfs /media
mknod -m 600 /media/tun c 10 200
mount --bind /media/tun /dev/net/tun
`;
const ABSENT = 'mount -t tmpfs tmpfs /dev/net';

async function probed(script: string, as: readonly string[] = []): Promise<unknown> {
  const shell = ['unshare', '--mount', '--propagation', 'private', '--', 'sh', '-ec'];
  const after = [...shell, `${script}\nexec "$@"`, 'sh', ...as];
  return nextMessage(spawnTypeScript(new URL('../testing/run-probe.ts', import.meta.url), [], { after }));
}

describe.skipIf(!able)('the device of networks (only as root, with bubblewrap and pasta)', () => {
  it('may be root’s alone: a sandbox has its network all the same', async () => {
    expect(await probed(CLOSED)).toMatchObject({ kind: 'bubblewrap', network: { own: true } });
  });

  it('has to be there: the reason names it, and the command', async () => {
    const found = await probed(ABSENT);
    expect(found).toMatchObject({ kind: 'bubblewrap', network: { own: false } });
    const said = JSON.stringify(found);
    expect(said).toMatch(
      /pasta cannot make a network .*there is no \/dev\/net\/tun. What opens it: modprobe tun/,
    );
  });

  it('cannot be opened by a user where it is root’s alone: the reason says so, with the command', async (context) => {
    const user = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--'];
    const [setpriv = '', ...flags] = user;
    const readable =
      spawnSync(setpriv, [...flags, 'test', '-r', fileURLToPath(import.meta.url)]).status === 0;
    context.skip(!readable, 'the repository is in a folder that is closed to others');
    const open = await probed('', user);
    context.skip(!JSON.stringify(open).includes('"own":true'), 'users cannot make networks here');
    const found = JSON.stringify(await probed(CLOSED, user));
    expect(found).toContain('"own":false');
    expect(found).toMatch(
      /\/dev\/net\/tun may be opened by root alone. What opens it: sudo chmod 666 \/dev\/net\/tun/,
    );
  });
});
