import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { pollUntil } from '../files/polling.js';
import { startMark } from '../platform/process-identity.js';
import { npmTool } from '../testing/npm-tool.js';
import { InstallLock } from './install-lock.js';
import { pinnedPackage } from './lock-file.js';
import { ToolFolder, type Tool } from './tool-folder.js';

const run = promisify(execFile);
let root: string;
let tool: Tool;
let tools: ToolFolder;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-tools-'));
  tool = await npmTool({ root, version: '1.0.0', script: 'echo "one with $HOME"' });
  tools = new ToolFolder(join(root, 'tools'), tool);
  await tools.open();
});

afterEach(() => rm(root, { recursive: true, force: true }));

const install = (folder = tools, signal = new AbortController().signal): ReturnType<ToolFolder['install']> =>
  folder.install({ path: searchPath(), signal });

/** What the program says, as a shell finds it. */
async function said(): Promise<string> {
  const { stdout } = await run('claude', [], { env: { PATH: tools.bin, HOME: '/there' }, shell: '/bin/sh' });
  return stdout.trim();
}

const names = (): Promise<string[]> => readdir(tools.folder).then((found) => found.sort());
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
/** The installation has come as far as that. */
const untilThere = (path: string): Promise<unknown> =>
  pollUntil(async () => ((await exists(resolve(tools.folder, path))) ? true : undefined), {
    everyMs: 5,
    deadlineMs: 45_000,
  });

describe('a tool from npm', () => {
  it('is there as a whole, with the version that the lock file names and without what else that names', async () => {
    expect(await tools.installed()).toBeUndefined();
    const installed = await install();
    expect(installed.version).toBe('1.0.0');
    expect(installed.bytes).toBeGreaterThan(0);
    expect(await tools.installed()).toEqual(installed);
    expect(await said()).toBe('one with /there');
    expect(await names()).toEqual(['bin', 'claude']);
  });

  it("is installed without running any package's own scripts", async () => {
    await install();
    expect(await exists(join(root, 'a-script-has-run'))).toBe(false);
  });

  it('is replaced by another version as a whole; the one before goes', async () => {
    await install();
    const next = await npmTool({ root, version: '2.0.0', script: 'echo two' });
    expect(await install(new ToolFolder(tools.folder, next))).toMatchObject({ version: '2.0.0' });
    expect(await said()).toBe('two');
    expect(await readdir(join(tools.folder, 'claude'))).toHaveLength(1);
  });

  it('is removed without a rest, also where it is not there', async () => {
    await install();
    await tools.remove();
    expect(await tools.installed()).toBeUndefined();
    expect(await readdir(tools.bin)).toEqual([]);
    expect(await readdir(join(tools.folder, 'claude'))).toEqual([]);
    await tools.remove();
  });

  it.each([
    [
      'is not what the lock file names',
      (lock: string) => lock.replace(/sha512-[^"]{20}/g, 'sha512-AAAAAAAAAAAAAAAAAAAA'),
      /not what the lock file names/,
    ],
    [
      'is not to be had',
      (lock: string) => lock.replaceAll('package.tgz', 'nowhere.tgz'),
      /did not give the package/,
    ],
    [
      'has none for this machine',
      (lock: string) => lock.replaceAll(`"${process.platform}"`, '"aix"'),
      /did not give the package for/,
    ],
  ])('stays as it was where what comes %s', async (_what, change, message) => {
    await install();
    const next = await npmTool({ root, version: '2.0.0', script: 'echo two' });
    const lock = join(next.pinnedIn, 'package-lock.json');
    await writeFile(lock, change(await readFile(lock, 'utf8')));
    await expect(install(new ToolFolder(tools.folder, next))).rejects.toThrow(message);
    expect(await said()).toBe('one with /there');
    expect(await names()).toEqual(['bin', 'claude']);
  });

  it('is not put in place where it does not run on this machine', async () => {
    const next = await npmTool({
      root,
      version: '2.0.0',
      script: 'echo "illegal instruction" >&2; exit 132',
    });
    await expect(install(new ToolFolder(tools.folder, next))).rejects.toThrow(
      'It does not run on this machine. illegal instruction',
    );
    expect(await tools.installed()).toBeUndefined();
    expect(await names()).toEqual(['bin']);
  });

  it('is not installed where the disk has no room for it', async () => {
    const large = new ToolFolder(tools.folder, { ...tool, roughBytes: Number.MAX_SAFE_INTEGER });
    await expect(install(large)).rejects.toThrow(/of free disk space; there are/);
  });

  it('can be cancelled: npm ends, and nothing of it stays', async () => {
    const abort = new AbortController();
    const hanging = await npmTool({ root, version: '3.0.0', script: 'exec sleep 600' });
    const installing = install(new ToolFolder(tools.folder, hanging), abort.signal);
    await untilThere(join('.partial', '.cache'));
    abort.abort();
    await expect(installing).rejects.toThrow(/abort/);
    expect(await names()).toEqual(['bin']);
  });

  it('can be cancelled while it is tried out: what it started ends too', async () => {
    const abort = new AbortController();
    const started = join(root, 'started');
    const script = `sleep 600 & echo $! >${started}.new; mv ${started}.new ${started}; wait`;
    const hanging = await npmTool({ root, version: '3.0.0', script });
    const installing = install(new ToolFolder(tools.folder, hanging), abort.signal);
    await untilThere(started);
    abort.abort();
    await expect(installing).rejects.toThrow(/abort/);
    expect(await names()).toEqual(['bin']);
    const pid = Number(await readFile(started, 'utf8'));
    await expect.poll(() => startMark(pid), { timeout: 45_000 }).toBeUndefined();
  });

  it('is installed by one at a time', async () => {
    const both = await Promise.allSettled([install(), install()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(String(both.find((one) => one.status === 'rejected')?.reason)).toContain(
      'being installed already',
    );
  });

  it('is not removed while it is being installed', async () => {
    const abort = new AbortController();
    const hanging = await npmTool({ root, version: '3.0.0', script: 'exec sleep 600' });
    const installing = install(new ToolFolder(tools.folder, hanging), abort.signal);
    await untilThere('.partial');
    await expect(tools.remove()).rejects.toThrow('Cancel that first');
    abort.abort();
    await expect(installing).rejects.toThrow(/abort/);
  });

  it('does not wait for one who was killed, and takes away what that left', async () => {
    await mkdir(join(tools.folder, '.lock'));
    await writeFile(join(tools.folder, '.lock', 'its'), JSON.stringify({ pid: 2 ** 22 + 1, mark: '1' }));
    await mkdir(join(tools.folder, '.partial', 'node_modules'), { recursive: true });
    await mkdir(join(tools.folder, 'claude', '0.9.0-00000000'), { recursive: true });
    await tools.open();
    expect(await names()).toEqual(['bin', 'claude']);
    expect(await readdir(join(tools.folder, 'claude'))).toEqual([]);
    await install();
    expect(await said()).toBe('one with /there');
  });

  it('takes away the lock of one who was killed before it was in its place, and no other', async () => {
    const [dead, alive, unknown] = ['.lock.00000000000d', '.lock.00000000000a', '.lock.00000000000e'];
    const ours = { pid: process.pid, mark: await startMark(process.pid) };
    for (const folder of [dead, alive, unknown]) await mkdir(join(tools.folder, folder));
    const say = (folder: string, by: object): Promise<void> =>
      writeFile(join(tools.folder, folder, folder.slice('.lock.'.length)), JSON.stringify(by));
    await say(dead, { pid: 2 ** 22 + 1, mark: '1' });
    await say(alive, ours);
    await tools.open();
    expect(await names()).toEqual([alive, unknown, 'bin']);
  });

  it('leaves an installation alone that another process is at', async () => {
    const lock = await InstallLock.take(tools.folder);
    await mkdir(join(tools.folder, '.partial'));
    await tools.open();
    expect(await names()).toContain('.partial');
    await lock?.release(() => Promise.resolve());
  });

  it('is not taken for installed where its link leads nowhere', async () => {
    await symlink('../claude/1.0.0-00000000/claude', join(tools.bin, 'claude'));
    expect(await tools.installed()).toBeUndefined();
  });
});

describe('the pinned package', () => {
  it('is Claude Code in the version of the image, with a checksum for every machine', async () => {
    const { pinnedTools } = (await import('../config.js')).readConfig({
      ...{ ENGINE_HOME: '/x', ENGINE_API_PORT: '1', INGRESS_PORT: '2', GITOPS_REPOSITORY: '/y' },
    });
    const found = await pinnedPackage(pinnedTools, '@anthropic-ai/claude-code');
    const packages = Object.keys((JSON.parse(found.lock) as { packages: object }).packages);
    expect(packages).toContain('node_modules/@anthropic-ai/claude-code-linux-arm64');
    expect(packages.every((name) => name === '' || name.includes('/@anthropic-ai/'))).toBe(true);
    const image = JSON.parse(await readFile(join(pinnedTools, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(found.version).toBe(image.dependencies['@anthropic-ai/claude-code']);
  });

  it.each(['@example/unrelated-too', '@example/tool-elsewhere'])('has to be asked for: %s', async (name) => {
    await expect(pinnedPackage(tool.pinnedIn, name)).rejects.toThrow(`${name} is not in`);
  });

  it('needs a checksum', async () => {
    const lock = join(tool.pinnedIn, 'package-lock.json');
    await writeFile(lock, (await readFile(lock, 'utf8')).replace(/"integrity":"[^"]+",?/, ''));
    await expect(pinnedPackage(tool.pinnedIn, tool.package)).rejects.toThrow('has no checksum');
  });
});
