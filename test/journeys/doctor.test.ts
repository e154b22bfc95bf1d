import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { needs, pathOf } from '../support/capabilities.js';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';

const NOBODY = 65534;
const base = temporaryFolder('doctor');
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});
afterAll(() => {
  removeFolder(base);
});

interface Said {
  readonly code: number;
  readonly output: string;
}

/** `after`: a command that the doctor is put after, and which becomes it. */
async function doctor(env: Readonly<Record<string, string>>, after: readonly string[] = []): Promise<Said> {
  const port = String(await freePort());
  return new Promise((resolve) => {
    const settings = { cwd: ROOT, env: { PATH: process.env['PATH'], PORT: port, ...env } };
    const [program, ...args] = [...after, process.execPath, 'scripts/doctor.mjs'];
    const child = execFile(program, args, settings, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

const home = (name: string): string => join(base, name);

/** A folder that a start has made, as far as the doctor looks. */
function madeHome(name: string): string {
  const folder = home(name);
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(join(folder, 'version'), '1\n');
  return folder;
}

/** Another /dev/net/tun than the machine's, for the doctor alone: in a mount namespace. */
const CLOSED =
  'mount -t tmpfs tmpfs /media; mknod -m 600 /media/tun c 10 200; mount --bind /media/tun /dev/net/tun';
const ABSENT = 'mount -t tmpfs tmpfs /dev/net';
const inNamespace = (script: string, as: readonly string[] = []): readonly string[] => [
  ...[
    'unshare',
    '--mount',
    '--propagation',
    'private',
    '--',
    'sh',
    '-ec',
    `${script}; exec "$@"`,
    'sh',
    ...as,
  ],
];
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];

describe('npm run doctor', () => {
  it('makes a network to see whether one can be made, and names the device where it is in the way', async (context) => {
    needs(context, 'root', 'bwrap', 'setpriv');
    const set = { FULLSTACK_AGENT_HOME: home('new') };
    const asItIs = await doctor(set);
    context.skip(!asItIs.output.includes('ok       network (pasta): /'), 'pasta makes no network here');
    // Root opens one for pasta; a user cannot.
    expect((await doctor(set, inNamespace(CLOSED))).output).toContain('ok       network (pasta): /');
    const absent = await doctor(set, inNamespace(ABSENT));
    expect(absent.output).toMatch(/WRONG {4}network \(pasta\): .*there is no \/dev\/net\/tun$/m);
    expect(absent.output).toContain('  modprobe tun\n');
    expect(absent.code).toBe(0);
    const [setpriv = '', ...flags] = AS_NOBODY;
    const readable =
      spawnSync(setpriv, [...flags, 'test', '-r', fileURLToPath(import.meta.url)]).status === 0;
    context.skip(
      !readable,
      'the repository is in a folder that is closed to others: nobody else can be tried',
    );
    const user = await doctor(set, inNamespace(CLOSED, AS_NOBODY));
    expect(user.output).toMatch(
      /WRONG {4}network \(pasta\): .*\/dev\/net\/tun may be opened by root alone$/m,
    );
    expect(user.output).toContain('  sudo chmod 666 /dev/net/tun\n');
  });

  it('says that a start can run, and ends with 0', async () => {
    const { code, output } = await doctor({ FULLSTACK_AGENT_HOME: home('new') });
    expect(output).toContain(`ok       home folder: ${home('new')} is made by the first start`);
    expect(output.trimEnd().split('\n').at(-1)).toBe('npm start can run here.');
    expect(code).toBe(0);
  });

  it('names what is missing, and the command that adds it', async (context) => {
    needs(context, 'git');
    const bin = home('bin');
    mkdirSync(bin);
    symlinkSync(pathOf('git'), join(bin, 'git'));
    writeFileSync(join(bin, 'apt-get'), '#!/bin/sh\n', { mode: 0o755 });
    const { code, output } = await doctor({
      PATH: bin,
      CHROMIUM: '/nowhere/chromium',
      FULLSTACK_AGENT_HOME: home('new'),
    });
    expect(output).toContain('missing  claude: without it terminals start with a shell alone');
    expect(output).toContain('WRONG    chromium: CHROMIUM names /nowhere/chromium, which is no program');
    expect(output).toMatch(/^ {2}(sudo )?apt-get install .*\bkubernetes-client postgresql-client tar\b/m);
    expect(output).toContain('  npm run tools -- install');
    expect(code).toBe(0);
  });

  it('finds Claude Code in the folder that all sandboxes share, and says where another version is pinned', async () => {
    const folder = madeHome('with-claude');
    const versions = join(folder, 'engine', 'tools', 'claude', '0.0.1-0123abcd');
    const bin = join(folder, 'engine', 'tools', 'bin');
    for (const each of [versions, bin]) mkdirSync(each, { recursive: true });
    writeFileSync(join(versions, 'claude'), '#!/bin/sh\n', { mode: 0o755 });
    symlinkSync('../claude/0.0.1-0123abcd/claude', join(bin, 'claude'));
    const { output } = await doctor({ PATH: '/usr/bin:/bin', FULLSTACK_AGENT_HOME: folder });
    expect(output).toMatch(
      /ok {7}claude: version 0\.0\.1 in .*; npm run tools -- install replaces it by \d+\./,
    );
    expect(output).toMatch(/programs for sandboxes: /);
  });

  it('says without isolation whether an agent is allowed, and by whom', async () => {
    const folder = madeHome('consent');
    mkdirSync(join(folder, 'engine'));
    const env = { FULLSTACK_AGENT_HOME: folder, SANDBOX_ISOLATION: 'none' };
    expect((await doctor(env)).output).toContain(
      'missing  claude without isolation: nobody has allowed it yet: it does not start by itself.',
    );
    const given = { at: '2026-11-28T12:00:00.000Z', by: { id: 'u1', name: 'ada' }, as: 'user' };
    writeFileSync(join(folder, 'engine', 'agent-consent.json'), JSON.stringify(given));
    expect((await doctor(env)).output).toContain(
      'ok       claude without isolation: allowed by ada on 2026-11-28',
    );
  });

  it('ends with 1 where the port that was asked for is taken', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { code, output } = await doctor({ FULLSTACK_AGENT_HOME: home('new'), PORT: String(port) });
    expect(output).toContain(`WRONG    port: PORT ${port} is in use by another program`);
    expect(output).toContain('npm start cannot run here yet: port.');
    expect(code).toBe(1);
  });

  it('ends with 1 where the home folder is somebody else’s folder, or another user’s', async (context) => {
    const full = home('full');
    mkdirSync(full);
    writeFileSync(join(full, 'thesis.txt'), 'x');
    const strange = await doctor({ FULLSTACK_AGENT_HOME: full });
    expect(strange.output).toContain(`WRONG    home folder: ${full} is not empty and was not made by`);
    expect(strange.code).toBe(1);

    needs(context, 'root');
    const foreign = madeHome('foreign');
    chownSync(foreign, NOBODY, NOBODY);
    const { code, output } = await doctor({ FULLSTACK_AGENT_HOME: foreign });
    expect(output).toContain(`WRONG    home folder: ${foreign} belongs to another user (uid ${NOBODY})`);
    expect(code).toBe(1);
  });

  it('notices a home folder that others can look into, which is no reason not to start', async () => {
    const open = madeHome('open');
    chmodSync(open, 0o755);
    const { code, output } = await doctor({ FULLSTACK_AGENT_HOME: open });
    expect(output).toContain('WRONG    home folder: open to other users of this machine (mode 755)');
    expect(output).toContain(`  chmod 700 '${open}'`);
    expect(code).toBe(0);
    chmodSync(open, 0o700);
    expect((await doctor({ FULLSTACK_AGENT_HOME: open })).output).toContain(
      'ok       home folder: closed to other users (mode 700)',
    );
  });

  it('says what the home folder takes on the disk', async () => {
    const folder = madeHome('used');
    const workspace = join(folder, 'engine', 'volumes', 'ns-a', 'blog-workspace');
    mkdirSync(workspace, { recursive: true });
    writeFileSync(join(workspace, 'big'), Buffer.alloc(3 * 1024 * 1024, 1));
    const { output } = await doctor({ FULLSTACK_AGENT_HOME: folder });
    expect(output).toMatch(new RegExp(`On the disk: 3\\.\\d MiB in ${folder}`));
    expect(output).toMatch(/^ {2}workspaces: 3\.\d MiB$/m);
  });
});
