import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { imageBuilds } from './build-images.js';
import {
  buildRequest,
  endOf,
  found,
  missingForBuilds,
  PATH,
  program,
  putBusybox,
} from './builds-for-tests.js';
import { RegistryForTests } from './registry/registry-for-tests.js';
import type { ImageBuilds } from './sandbox/image-builds.js';
import { temporaryFolder } from './shared/repository-for-tests.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const DEVELOPER = 1001;
const PROFILE = fileURLToPath(new URL('../../runtime/nodes/seccomp-build.json', import.meta.url));
/** What a container's default profile keeps from whoever is not an administrator, and building needs. */
const BUILDING = ['chroot', 'mount', 'pivot_root', 'setns', 'umount2', 'unshare'];

interface Seccomp {
  readonly syscalls: readonly { readonly names: readonly string[] }[];
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root: nobody else can make a container here';
  const lacking = ['runc', 'newuidmap', 'setcap'].find((name) => found(name) === undefined);
  return lacking === undefined ? missingForBuilds() : `needs ${lacking} on the PATH`;
}

/** Of which a pod is made: what `platform.yaml` asks for with `sandbox.userNamespaces`, and what it does not. */
interface Pod {
  readonly seccomp: Seccomp;
  readonly capabilities: readonly string[];
}

/** A container as the manifests describe the sandbox: user 1001 in a user namespace, made by a runtime of Kubernetes. */
async function podOf({ seccomp, capabilities }: Pod): Promise<{ builds: ImageBuilds; workspace: string }> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o755);
  const at = (...path: string[]): string => join(folder, ...path);
  for (const name of ['workspace', 'home', 'tmp', 'bin', 'etc', 'bundles', 'state']) await mkdir(at(name));
  for (const name of ['workspace', 'home', 'tmp']) await chown(at(name), DEVELOPER, DEVELOPER);
  // As runtime/Dockerfile leaves them.
  const etc = {
    passwd: `root:x:0:0::/root:/bin/sh\ndeveloper:x:${DEVELOPER}:${DEVELOPER}::/home/developer:/bin/sh\n`,
    group: `root:x:0:\ndeveloper:x:${DEVELOPER}:\n`,
    subuid: 'developer:10000:50000\n',
    subgid: 'developer:10000:50000\n',
  };
  for (const [name, content] of Object.entries(etc)) await writeFile(at('etc', name), content);
  for (const [name, capability] of [
    ['newuidmap', 'cap_setuid'],
    ['newgidmap', 'cap_setgid'],
  ] as const) {
    await copyFile(found(name) ?? '', at('bin', name));
    await chmod(at('bin', name), 0o755);
    execFileSync('setcap', [`${capability}+ep`, at('bin', name)]);
  }
  await mkdir(at('rootfs'));
  for (const name of ['bin', 'lib', 'lib64', 'sbin']) await symlink(`usr/${name}`, at('rootfs', name));
  const spec = specOf(at, { seccomp, capabilities });
  let count = 0;
  const run = async (_key: unknown, command: readonly string[]) => {
    const id = `fsa-build-${process.pid}-${folder.slice(-6)}-${count++}`;
    const bundle = at('bundles', id);
    await mkdir(bundle);
    await writeFile(join(bundle, 'config.json'), JSON.stringify(spec(command)));
    onTestFinished(() => {
      spawnSync('runc', ['--root', at('state'), 'delete', '--force', id]);
    });
    return program('runc', ['--root', at('state'), 'run', '--bundle', bundle, id], { env: { PATH } });
  };
  const builds = imageBuilds({ sandbox: { run }, config: {}, log: pino({ enabled: false }) });
  onTestFinished(() => builds.close());
  return { builds, workspace: at('workspace') };
}

const specOf = (at: (...path: string[]) => string, { seccomp, capabilities }: Pod) => {
  const bind = (source: string, destination: string, mode: 'ro' | 'rw') => ({
    destination,
    source,
    type: 'bind',
    options: ['rbind', mode],
  });
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    bind('/sys', '/sys', 'ro'),
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
    bind('/usr', '/usr', 'ro'),
    bind('/etc/containers', '/etc/containers', 'ro'),
    ...['newuidmap', 'newgidmap'].map((name) => bind(at('bin', name), `/usr/bin/${name}`, 'ro')),
    ...['passwd', 'group', 'subuid', 'subgid'].map((name) => bind(at('etc', name), `/etc/${name}`, 'ro')),
    bind(at('workspace'), '/workspace', 'rw'),
    bind(at('home'), '/home/developer', 'rw'),
    bind(at('tmp'), '/tmp', 'rw'),
    bind(at('tmp'), '/var/tmp', 'rw'),
  ];
  const none = { effective: [], inheritable: [], permitted: [], ambient: [] };
  const ids = [{ containerID: 0, hostID: 0, size: 65536 }];
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'user'].map((type) => ({ type }));
  return (args: readonly string[]) => ({
    ociVersion: '1.0.2',
    process: {
      args: ['/usr/bin/env', '-C', '/workspace', ...args],
      cwd: '/',
      env: ['PATH=/usr/bin:/usr/sbin', 'HOME=/home/developer', 'TTYD_ACCESS_TOKEN=terminal'],
      user: { uid: DEVELOPER, gid: DEVELOPER },
      // `allowPrivilegeEscalation` and `capabilities.add` of the manifest.
      noNewPrivileges: capabilities.length === 0,
      capabilities: { ...none, bounding: capabilities },
    },
    root: { path: at('rootfs'), readonly: false },
    mounts,
    linux: {
      namespaces,
      uidMappings: ids,
      gidMappings: ids,
      seccomp,
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list'],
      readonlyPaths: ['/proc/sys', '/proc/irq', '/proc/bus'],
    },
  });
};

const DOCKERFILE = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "/bin/busybox id -u; echo made > /made; /bin/busybox chown 33:33 /made"]
CMD ["/bin/busybox", "cat", "/made"]
`;

describe.skipIf(missing() !== undefined)(`in a pod (${missing() ?? 'made by runc'})`, () => {
  const profile = async (): Promise<Seccomp> => JSON.parse(await readFile(PROFILE, 'utf8')) as Seccomp;

  it('with user namespaces an image is built by user 1001, and pushed', async () => {
    const registry = await RegistryForTests.start();
    const capabilities = ['CAP_SETGID', 'CAP_SETUID'];
    const { builds, workspace } = await podOf({ seccomp: await profile(), capabilities });
    await putBusybox(workspace);
    await writeFile(join(workspace, 'Dockerfile'), DOCKERFILE);
    builds.start(key, buildRequest(`${registry.host}/blog`));
    const { build, log } = await endOf(builds);
    expect(build?.state, `${log}${build?.message ?? ''}`).toBe('succeeded');
    expect(log).toContain('\n0\n');
    const digest = build?.image?.split('@')[1] ?? '';
    const manifest = 'application/vnd.oci.image.manifest.v1+json';
    const answer = await registry.get(`blog/manifests/${digest}`, manifest);
    expect(answer.headers.get('docker-content-digest')).toBe(digest);
  });

  it('as Pod Security "restricted" has it, nothing is built, and the message says what is missing', async () => {
    const { defaultAction, ...rest } = (await profile()) as Seccomp & { readonly defaultAction: string };
    const syscalls = rest.syscalls.map((one) => ({
      ...one,
      names: one.names.filter((name) => !BUILDING.includes(name)),
    }));
    const { builds, workspace } = await podOf({
      seccomp: { ...rest, defaultAction, syscalls } as Seccomp,
      capabilities: [],
    });
    await writeFile(join(workspace, 'Dockerfile'), 'FROM scratch');
    builds.start(key, buildRequest('127.0.0.1:1/blog'));
    expect((await endOf(builds)).build).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('may not make user namespaces') as string,
    });
  });
});
