import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { imageBuilds } from './build-images.js';
import {
  buildRequest as request,
  endOf as ended,
  found,
  missingForBuilds,
  putBusybox,
  runnerIn,
  until,
} from './builds-for-tests.js';
import type { BuildEvent } from './contract/build.js';
import { AppError } from './contract/errors.js';
import { RegistryForTests } from './registry/registry-for-tests.js';
import type { Runner } from './sandbox/exec-stream.js';
import type { ImageBuilds } from './sandbox/image-builds.js';
import { temporaryFolder } from './shared/repository-for-tests.js';

const key = { namespace: 'ns-ab3cd4ef', name: 'blog' };
const config = {};
const log = pino({ enabled: false });
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const missing = missingForBuilds();

interface Opened {
  readonly workspace: string;
  readonly home: string;
  readonly builds: ImageBuilds;
}

async function open(files: Readonly<Record<string, string>>): Promise<Opened> {
  const folder = await temporaryFolder();
  const [workspace, home] = [join(folder, 'workspace'), join(folder, 'home')];
  await mkdir(workspace);
  await mkdir(home);
  for (const [name, content] of Object.entries(files)) await writeFile(join(workspace, name), content);
  const builds = imageBuilds({ sandbox: runnerIn(workspace, home), config, log });
  onTestFinished(() => builds.close());
  return { workspace, home, builds };
}

const DOCKERFILE = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "sh", "-c", "echo token=[$TTYD_ACCESS_TOKEN]; echo made > /made"]
CMD ["/bin/busybox", "cat", "/made"]
`;

const withBusybox = ({ workspace }: Opened): Promise<void> => putBusybox(workspace);

describe.skipIf(missing !== undefined)(
  `a workspace with a Dockerfile (${missing ?? 'built for real'})`,
  () => {
    it('is built, pushed and named by the digest that the registry has', async () => {
      const registry = await RegistryForTests.start();
      const opened = await open({ Dockerfile: DOCKERFILE });
      await withBusybox(opened);
      const events: BuildEvent[] = [];
      opened.builds.subscribe(key, (event) => events.push(event));
      opened.builds.start(key, request(`${registry.host}/built/${key.namespace}/${key.name}`));
      const { build, log } = await ended(opened.builds);
      expect(build?.message, log).toBeUndefined();
      expect(build?.state).toBe('succeeded');
      const [name, digest = ''] = build?.image?.split('@') ?? [];
      expect(name).toBe(`${registry.host}/built/ns-ab3cd4ef/blog`);
      const answer = await registry.get(`built/ns-ab3cd4ef/blog/manifests/${digest}`, MANIFEST);
      expect(answer.headers.get('docker-content-digest')).toBe(digest);
      const { config } = (await answer.json()) as { config: { digest: string } };
      const stored = await (await registry.get(`built/ns-ab3cd4ef/blog/blobs/${config.digest}`)).json();
      expect(stored).toMatchObject({ config: { Cmd: ['/bin/busybox', 'cat', '/made'] } });
      expect(log).toContain('STEP 3/4');
      expect(log).toContain('\ntoken=[]\n');
      // What the page was told is what stands.
      const told = events.flatMap((event) => (event.type === 'log' ? [event.text] : [])).join('');
      expect(told).toBe(log);
      expect(events[0]).toMatchObject({ type: 'snapshot', build: { state: 'building' } });
      expect(events.at(-1)).toEqual({ type: 'build', build });
      expect(await readdir(join(opened.home, '.cache/fullstackagent/build'))).toEqual(['lock', 'storage']);
    });

    it('that cannot be built says the last lines, and can be mended and built', async () => {
      const registry = await RegistryForTests.start();
      const failing = DOCKERFILE.replace('echo made', 'echo no such module; exit 3; echo made');
      const opened = await open({ Dockerfile: failing });
      await withBusybox(opened);
      opened.builds.start(key, request(`${registry.host}/blog`));
      const { build } = await ended(opened.builds);
      expect(build).toMatchObject({
        state: 'failed',
        message: expect.stringContaining('no such module') as string,
      });
      await writeFile(join(opened.workspace, 'Dockerfile'), DOCKERFILE);
      opened.builds.start(key, request(`${registry.host}/blog`));
      expect((await ended(opened.builds)).build?.state).toBe('succeeded');
    });

    it('is built by one at a time, and a build that is cancelled leaves nothing that runs', async () => {
      // Told from those of other runs of this test on the same machine.
      const seconds = `100${process.pid}`;
      const registry = await RegistryForTests.start();
      const opened = await open({
        Dockerfile: DOCKERFILE.replace('echo made', `echo waiting; sleep ${seconds}; echo made`),
      });
      await withBusybox(opened);
      opened.builds.start(key, request(`${registry.host}/blog`));
      await until('the build to wait', () => opened.builds.state(key).log.includes('\nwaiting\n'));
      expect(() => opened.builds.start(key, request(`${registry.host}/blog`))).toThrow('under way');
      // Also one that this controller does not know of: the sandbox itself holds the lock.
      const second = imageBuilds({ sandbox: runnerIn(opened.workspace, opened.home), config, log });
      second.start(key, request(`${registry.host}/blog`));
      expect((await ended(second)).build?.message).toContain('Another build runs');
      expect(await opened.builds.cancel(key)).toMatchObject({ state: 'cancelled' });
      expect(spawnSync('pgrep', ['-f', `sleep ${seconds}`]).status).toBe(1);
      await expect(opened.builds.cancel(key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await writeFile(join(opened.workspace, 'Dockerfile'), DOCKERFILE);
      opened.builds.start(key, request(`${registry.host}/blog`));
      expect((await ended(opened.builds)).build?.state).toBe('succeeded');
    });

    it('that the registry does not take says why', async () => {
      const registry = await RegistryForTests.start('basic');
      const opened = await open({ Dockerfile: DOCKERFILE });
      await withBusybox(opened);
      opened.builds.start(key, request(`${registry.host}/blog`));
      expect((await ended(opened.builds)).build).toMatchObject({
        state: 'failed',
        message: expect.stringContaining('REGISTRY_CREDENTIALS_FILE') as string,
      });
      const signedIn = imageBuilds({
        sandbox: runnerIn(opened.workspace, opened.home),
        config: { registryCredentialsFile: await registry.credentialsFile() },
        log,
      });
      signedIn.start(key, request(`${registry.host}/blog`));
      expect((await ended(signedIn)).build?.state).toBe('succeeded');
    });

    it('without a Dockerfile gets one, for the start command, whatever is in that', async () => {
      const command = 'echo "$HOME" \\ \'x\' `id` && node server.js';
      const opened = await open({ 'package.json': '{}' });
      opened.builds.start(key, request('127.0.0.1:1/blog', command));
      const { build, log } = await ended(opened.builds);
      // There is no base image to be had on this machine.
      expect(build?.state).toBe('failed');
      expect(log).toContain('FROM localhost/none\n');
      expect(log).toContain(`CMD ["/bin/sh", "-c", ${JSON.stringify(command)}]\n`);
    });
  },
);

describe('a workspace', () => {
  it('with nothing to build says what is needed', async () => {
    const { builds } = await open({ 'package.json': '{}' });
    builds.start(key, request('127.0.0.1:1/blog'));
    const { build } = await ended(builds);
    expect(build?.message).toContain(missing === undefined ? 'add a Dockerfile' : 'buildah');
  });

  it('in a sandbox without buildah says that', async () => {
    const opened = await open({ Dockerfile: 'FROM scratch' });
    const tools = join(opened.home, 'bin');
    await mkdir(tools);
    for (const tool of ['env', 'flock', 'mkdir', 'sh']) await copyFile(found(tool) ?? '', join(tools, tool));
    const builds = imageBuilds({ sandbox: runnerIn(opened.workspace, opened.home, tools), config, log });
    builds.start(key, request('127.0.0.1:1/blog'));
    expect((await ended(builds)).build?.message).toContain('no buildah');
  });

  it('whose sandbox is lost while its image is pushed says that, and nothing else breaks', async () => {
    const lost = new AppError('CLUSTER_UNREACHABLE', 'The connection to the sandbox was lost.');
    const run: Runner['run'] = (_key, command) => {
      const stdin = new Writable({
        final: (done) => {
          done(lost);
        },
      });
      const stdout = new PassThrough();
      const ended = new Promise<never>((_, reject) => {
        stdout.once('close', () => {
          reject(lost);
        });
      });
      // As exec-stream.ts has it: nobody has to wait for the end.
      ended.catch(() => undefined);
      const mark = command.find((word) => /^[0-9a-f]{32}$/.test(word));
      // The build is ready; the file of the image is cut off, and with it everything.
      stdout.write(mark === undefined ? '{' : `${mark} ready\n`, () => {
        setImmediate(() => stdout.destroy(lost));
      });
      return Promise.resolve({ stdin, stdout, ended, abort: () => undefined });
    };
    const builds = imageBuilds({ sandbox: { run }, config, log });
    builds.start(key, request('127.0.0.1:1/blog', 'x'));
    const { build } = await ended(builds);
    expect(build).toMatchObject({ state: 'failed', message: lost.message });
  });

  it('is not built where many others are', async () => {
    const gate = new AbortController();
    const run: Runner['run'] = () =>
      new Promise((_, reject) => {
        gate.signal.addEventListener('abort', () => {
          reject(new Error('gone'));
        });
      });
    const builds = imageBuilds({ sandbox: { run }, config, log });
    const start = (namespace: string, name: string): unknown =>
      builds.start({ namespace, name }, request('127.0.0.1:1/x'));
    for (const name of ['a', 'b', 'c', 'd']) start('ns-ab3cd4ef', name);
    // Nobody takes all the places.
    expect(() => start('ns-ab3cd4ef', 'e')).toThrow('of your projects');
    for (const name of ['a', 'b', 'c', 'd']) start('ns-zzzzzzzz', name);
    expect(() => start('ns-yyyyyyyy', 'a')).toThrow('Many images');
    const closed = builds.close();
    gate.abort();
    await closed;
  });
});
