import { spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { pollUntil } from '../files/polling.js';
import { Confinement } from './confinement.js';
import { SandboxNetwork } from './network.js';
import { whyNoNetwork } from './tun.js';
import type { Bubblewrap, Isolation, Programs } from './types.js';

export interface ProbeOptions {
  /** `PATH` of the engine. */
  readonly path: string;
  readonly log: Pick<Logger, 'error'>;
  readonly markers: Readonly<Record<string, string>>;
  /** false: sandboxes are to share the network of this machine. */
  readonly ownNetwork?: boolean;
}

const STAGES = ['/mnt', '/media', '/srv'];
/** Another interface than the loopback's. */
const HAS_NETWORK = ['sh', '-c', 'grep -qE "^ *[^l ][^:]*:" /proc/net/dev'];
const INSTALL = 'On Debian and Ubuntu: apt install bubblewrap passt util-linux';

/** What this machine can do, by doing it once: that a program is there says little in containers. */
export async function probeIsolation(options: ProbeOptions): Promise<Isolation> {
  if (process.platform !== 'linux') return { kind: 'none', reason: 'Isolation needs Linux.' };
  const found = await findPrograms(options.path);
  if (!('bwrap' in found)) return { kind: 'none', reason: `${found.missing} is not installed. ${INSTALL}` };
  const stage = await firstFolder(STAGES);
  if (stage === undefined) return { kind: 'none', reason: `One of ${STAGES.join(', ')} is needed.` };
  const candidate: Bubblewrap = {
    kind: 'bubblewrap',
    programs: found,
    asRoot: process.getuid?.() === 0,
    stage,
    network: wantedNetwork(found, options),
  };
  const failed = await tryOut(candidate, options);
  if (failed === undefined) return candidate;
  if (!candidate.network.own) return { kind: 'none', reason: failed };
  // Without a network of its own it is still worth a lot.
  const shared: Bubblewrap = { ...candidate, network: noNetwork(failed) };
  const stillFailed = await tryOut(shared, options);
  return stillFailed === undefined ? shared : { kind: 'none', reason: stillFailed };
}

function wantedNetwork({ pasta }: Programs, { ownNetwork }: ProbeOptions): Bubblewrap['network'] {
  if (ownNetwork === false) return noNetwork('SANDBOX_ISOLATION=shared-network asks for it.');
  return pasta === undefined ? noNetwork('pasta is not installed.') : { own: true };
}

const noNetwork = (reason: string): Bubblewrap['network'] => ({ own: false, reason });

/** undefined where all is well. */
async function tryOut(isolation: Bubblewrap, { log, markers }: ProbeOptions): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'fullstackagent-probe-'));
  const workspace = join(folder, 'workspace');
  await mkdir(workspace);
  let confinement: Confinement | undefined;
  let network: SandboxNetwork | undefined;
  try {
    confinement = await Confinement.start({
      ...{ isolation, markers, folder, name: 'probe', hostname: 'probe', home: '/workspace' },
      workingDirectory: '/workspace',
      binds: [{ source: workspace, target: '/workspace', readOnly: false }],
    });
    const writes = await run(confinement, ['sh', '-c', 'echo x >/workspace/x && test "$(id -u)" = 1001']);
    if (writes !== undefined) return `A program in a sandbox cannot do its work here: ${writes}`;
    const { pasta } = isolation.programs;
    if (!isolation.network.own || pasta === undefined) return undefined;
    let said: string | undefined;
    network = new SandboxNetwork(
      {
        ...{ isolation, confinement, pasta, markers, published: new Map() },
        log: { error: (found: { said?: string }) => (said ??= found.said ?? '') },
      },
      [],
    );
    const inside = confinement;
    const up = await pollUntil(
      async () =>
        (await run(inside, HAS_NETWORK)) === undefined ? true : said === undefined ? undefined : false,
      { everyMs: 50, deadlineMs: 10_000 },
    );
    return up === true ? undefined : whyNoNetwork(isolation.asRoot, said ?? '');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await network?.close();
    await confinement?.end();
    await rm(folder, { recursive: true, force: true }).catch((err: unknown) =>
      log.error({ err }, 'a folder stays'),
    );
  }
}

/** undefined where it ended well; otherwise what it said. */
async function run(
  confinement: Confinement,
  [file = '', ...args]: readonly string[],
): Promise<string | undefined> {
  const command = confinement.command(file, args);
  const child = spawn(command.file, command.args, {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0 ? undefined : said.trim() || `It ended with ${code ?? 'a signal'}.`;
}

async function findPrograms(path: string): Promise<Programs | { readonly missing: string }> {
  const folders = [...path.split(':').filter(Boolean), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  const find = async (name: string): Promise<string | undefined> => {
    for (const folder of folders) {
      const file = join(folder, name);
      const usable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return file;
    }
    return undefined;
  };
  const names = ['bwrap', 'nsenter', 'setpriv', 'unshare', 'sh'] as const;
  const found = await Promise.all(names.map(find));
  const missing = names.find((_name, index) => found[index] === undefined);
  if (missing !== undefined) return { missing: missing === 'bwrap' ? 'bubblewrap' : missing };
  const [bwrap = '', nsenter = '', setpriv = '', unshare = '', sh = ''] = found;
  return { bwrap, nsenter, setpriv, unshare, sh, pasta: await find('pasta') };
}

async function firstFolder(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths)
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  return undefined;
}
