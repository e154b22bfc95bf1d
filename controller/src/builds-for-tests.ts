import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { BuildStateDto } from './contract/build.js';
import { missingForRegistry } from './registry/registry-for-tests.js';
import type { Runner, SandboxProgram } from './sandbox/exec-stream.js';
import type { ImageBuilds } from './sandbox/image-builds.js';

// eslint-disable-next-line no-restricted-syntax -- programs are found as they are by whoever runs the tests
export const PATH = process.env['PATH'] ?? '';

export const found = (name: string): string | undefined =>
  PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** What is built here has no base image to fetch: it brings a shell along. */
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(
  (path) => existsSync(path) && spawnSync('ldd', [path]).status !== 0,
);

/** Why nothing can be built and pushed on this machine; undefined where it can. */
export function missingForBuilds(): string | undefined {
  if (missingForRegistry !== undefined) return missingForRegistry;
  if (found('buildah') === undefined) return 'needs buildah on the PATH (Debian: buildah)';
  if (BUSYBOX === undefined) return 'needs a static busybox (Debian: busybox-static)';
  return undefined;
}

export async function putBusybox(workspace: string): Promise<void> {
  await copyFile(BUSYBOX ?? '', join(workspace, 'busybox'));
  await chmod(join(workspace, 'busybox'), 0o755);
}

export function program(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env: Record<string, string> },
): SandboxProgram {
  const child = spawn(file, args, { ...options, stdio: 'pipe' });
  const complaint = text(child.stderr);
  const ended = new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
  child.stdin.on('error', () => undefined);
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    ended: ended.then(async (exitCode) => ({ exitCode, complaint: await complaint })),
    abort: () => child.kill('SIGKILL'),
  };
}

/** Programs run as they are, in a folder of this machine; build-confined.test.ts confines them as a pod does. */
export const runnerIn = (workspace: string, home: string, path = PATH): Runner => ({
  run: (_key, [file = '', ...args]) => {
    const env = { PATH: path, HOME: home, TTYD_ACCESS_TOKEN: 'terminal' };
    return Promise.resolve(program(file, args, { cwd: workspace, env }));
  },
});

export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await pause(10);
  }
}

export async function endOf(
  builds: ImageBuilds,
  key = { namespace: 'ns-ab3cd4ef', name: 'blog' },
): Promise<BuildStateDto> {
  await until('the build to end', () => builds.state(key).build?.endedAt !== undefined);
  return builds.state(key);
}

export const buildRequest = (repository: string, command?: string) => ({
  repository,
  nodeImage: 'localhost/none',
  command,
});
