import { lstat, mkdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { INSIDE_UID } from './identity.js';
import type { Bind } from './types.js';

/** What a sandbox sees of this machine: programs and what they need, to read. Nothing of /home, /root, /var or /srv. */

const SYSTEM = ['/usr', '/opt', '/nix', '/gnu'];
/** On most systems links into /usr. */
const LINKS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Of /etc what programs read and everybody may. No passwords, no keys, no names of this machine's users. */
const SETTINGS = [
  ...['alternatives', 'ca-certificates', 'ca-certificates.conf', 'ssl', 'pki', 'crypto-policies'],
  ...['ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime', 'timezone', 'mime.types'],
  ...['protocols', 'services', 'terminfo', 'inputrc', 'bash.bashrc', 'profile', 'profile.d', 'fonts'],
  ...['perl', 'python3', 'java-17-openjdk', 'vim', 'nanorc'],
];
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];

/** Arguments of bubblewrap for everything but what is the sandbox's own. */
export async function systemArguments(): Promise<readonly string[]> {
  const links = await Promise.all(LINKS.map(linkArguments));
  return [
    ...SYSTEM.flatMap((path) => ['--ro-bind-try', path, path]),
    ...links.flat(),
    ...SETTINGS.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
    ...['--proc', '/proc', '--tmpfs', '/dev'],
    ...DEVICES.flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    ...['--symlink', '/proc/self/fd', '/dev/fd', '--symlink', 'pts/ptmx', '/dev/ptmx'],
    ...['stdin', 'stdout', 'stderr'].flatMap((name, fd) => [
      ...['--symlink', `/proc/self/fd/${fd}`, `/dev/${name}`],
    ]),
    ...[
      '--tmpfs',
      '/tmp',
      '--tmpfs',
      '/dev/shm',
      '--tmpfs',
      '/run',
      '--tmpfs',
      '/var/tmp',
      '--symlink',
      '../run',
      '/var/run',
    ],
  ];
}

async function linkArguments(path: string): Promise<readonly string[]> {
  try {
    const { isLink } = await lstat(path).then((found) => ({ isLink: found.isSymbolicLink() }));
    return isLink ? ['--symlink', await readlink(path), path] : ['--ro-bind', path, path];
  } catch {
    return [];
  }
}

export interface HostFiles {
  /** The sandbox's own folder, gone with it. */
  readonly folder: string;
  readonly hostname: string;
  readonly home: string;
}

/** The files of /etc that are made for the sandbox: who people are, what the machine is called, who knows names. */
export async function hostFiles({ folder, hostname, home }: HostFiles): Promise<readonly Bind[]> {
  const uid = String(INSIDE_UID);
  const contents: Readonly<Record<string, string>> = {
    passwd: `root:x:0:0:root:/root:/sbin/nologin\ndeveloper:x:${uid}:${uid}:developer:${home}:/bin/bash\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n`,
    group: `root:x:0:\ndeveloper:x:${uid}:\nnogroup:x:65534:\n`,
    hosts: `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${hostname}\n`,
    hostname: `${hostname}\n`,
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
    'resolv.conf': await nameServers(),
  };
  await mkdir(folder, { recursive: true, mode: 0o755 });
  return Promise.all(
    Object.entries(contents).map(async ([name, content]) => {
      const source = join(folder, name);
      await writeFile(source, content, { mode: 0o644 });
      return { source, target: `/etc/${name}`, readOnly: true };
    }),
  );
}

/** A resolver on this machine's loopback is not there in the sandbox; systemd-resolved keeps the ones it asks itself. */
async function nameServers(): Promise<string> {
  for (const path of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const content = await readFile(path, 'utf8').catch(() => '');
    if (/^nameserver (?!127\.)/m.test(content)) return content;
  }
  return '';
}

/** Whether sandboxes see a program of this machine: where it is called, and where it really is. */
export async function isShown(program: string, binds: readonly Bind[]): Promise<boolean> {
  const folders = [...SYSTEM, ...LINKS, ...binds.map(({ target }) => target)];
  const isBelow = (path: string): boolean =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
  return isBelow(program) && isBelow(await realpath(program));
}

/** Programs that are not where a system keeps them: this Node with what npm put beside it. */
export async function programBinds(path: readonly string[], node: string): Promise<readonly Bind[]> {
  const prefix = dirname(dirname(node));
  const isElsewhere = !['/usr', '/opt', '/nix', '/gnu', '/bin'].some(
    (system) => node === system || node.startsWith(`${system}/`),
  );
  const hasModules = await lstat(join(prefix, 'lib', 'node_modules')).then(
    () => true,
    () => false,
  );
  // A folder is given only where it is one of programs: somebody may have put `node` into their home.
  if (!isElsewhere || !path.includes(dirname(node))) return [];
  const source = hasModules && prefix !== '/' ? prefix : node;
  return [{ source, target: source, readOnly: true }];
}
