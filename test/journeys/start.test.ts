import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { installIntoWorkspace } from '../support/modules.js';
import { Api } from '../support/api.js';
import { needs, pathOf } from '../support/capabilities.js';
import { OWNER, owner, ownerAgain } from '../support/fixtures.js';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { killAllOf, noProcessesOf, Start, type StartOptions } from '../support/platform.js';
import { isAlive, processesOf } from '../support/processes.js';
import { Terminal } from '../support/terminal.js';

const NOBODY = 65534;

const folders: string[] = [];
const newFolder = (name: string): string => {
  const folder = temporaryFolder(name);
  folders.push(folder);
  return folder;
};

afterAll(() => {
  for (const folder of folders) {
    killAllOf(folder);
    removeFolder(folder);
  }
});

async function occupy(port: number): Promise<Server | undefined> {
  const server = createServer();
  const taken = new Promise<Server | undefined>((resolve) => {
    server.once('listening', () => {
      resolve(server);
    });
    // Somebody else has it already: just as good.
    server.once('error', () => {
      resolve(undefined);
    });
  });
  server.listen(port, '127.0.0.1');
  return taken;
}

/** A start that is refused: what it said, and how it ended. */
async function refusal(options: StartOptions): Promise<{ code: number | null; said: string }> {
  const start = new Start(options);
  const { code } = await start.exited;
  return { code, said: start.output.trimEnd().split('\n').at(-1) ?? '' };
}

const seconds = (start: Start): string => ((performance.now() - start.startedAt) / 1000).toFixed(1);

describe('npm start', () => {
  let home: string;
  let port: number;
  let current: Start | undefined;

  beforeAll(async () => {
    home = newFolder('start');
    port = await freePort();
  });

  const begin = async (): Promise<string> => {
    current = new Start({ home, port });
    return current.ready();
  };

  it('is ready, and ends on Ctrl-C with every process it started, sandbox and database included', async () => {
    const api = await owner(await begin());
    console.log(`first start: ready after ${seconds(current as Start)} s`);
    await api.create({ name: 'My Blog', database: true });
    await api.waitFor('my-blog', 'RUNNING');
    const terminal = await Terminal.open(api, 'my-blog', 'one');
    // Work that would outlive its shell.
    const started = await terminal.run(
      'echo kept > note.txt; (setsid sleep 1000 & echo $!) ; nohup sleep 1000 >/dev/null & echo $!',
    );
    expect(started).toMatch(/\d+/);
    const before = processesOf(home).map(({ pid }) => pid);
    expect(before.length).toBeGreaterThan(5);
    const exit = await (current as Start).stop();
    expect(exit).toEqual({ code: 0, signal: null });
    expect(before.filter(isAlive)).toEqual([]);
  });

  it('finds everything as it was the second time', async () => {
    const api = await ownerAgain(await begin());
    console.log(`second start: ready after ${seconds(current as Start)} s`);
    await api.waitFor('my-blog', 'RUNNING');
    const terminal = await Terminal.open(api, 'my-blog', 'two');
    expect(await terminal.run('cat note.txt')).toBe('kept');
    terminal.close();
  });

  it('refuses a second start on the same home, and leaves the first alone', async () => {
    const { code, said } = await refusal({ home, port: await freePort() });
    expect(code).toBe(1);
    expect(said).toMatch(/already|in use|running/i);
    expect((current as Start).running).toBe(true);
    const api = await ownerAgain(`http://localhost:${String(port)}`);
    await api.waitFor('my-blog', 'RUNNING');
  });

  it('ends when only the first process is told to', async () => {
    process.kill((current as Start).pid, 'SIGTERM');
    await (current as Start).exited;
    await noProcessesOf(home);
  });
});

describe('npm start, where something is wrong', () => {
  const started: Start[] = [];

  afterEach(async () => {
    for (const start of started.splice(0)) await start.stop();
  });

  it('takes the next free port when the default one is busy, and says so', async () => {
    const server = await occupy(3000);
    const start = new Start({ home: newFolder('busy-default') });
    started.push(start);
    const url = await start.ready();
    expect(Number(new URL(url).port)).toBeGreaterThan(3000);
    expect(start.output).toMatch(/3000/);
    server?.close();
  });

  it('ends with one clear line when the port that was asked for is busy', async () => {
    const port = await freePort();
    const server = await occupy(port);
    const home = newFolder('busy-asked');
    const { code, said } = await refusal({ home, port });
    expect(code).toBe(1);
    expect(said).toContain(String(port));
    await noProcessesOf(home);
    server?.close();
  });

  it('ends with one clear line when the home folder cannot be made', async () => {
    const file = join(newFolder('no-home'), 'file');
    writeFileSync(file, '');
    const { code, said } = await refusal({ home: join(file, 'home'), port: await freePort() });
    expect(code).toBe(1);
    expect(said).toContain(join(file, 'home'));
    expect(said).not.toMatch(/^\s+at /);
  });

  it.each([
    ['PORT', 'http'],
    ['PORT', '99999'],
    ['CLUSTER', 'openshift'],
  ])('ends with one line that names %s when it is "%s"', async (name, value) => {
    const { code, said } = await refusal({ home: newFolder('wrong'), env: { [name]: value } });
    expect(code).toBe(1);
    expect(said).toContain(name);
  });
});

describe('npm start, as root and as somebody else', () => {
  /** Signs up, creates, works in the terminal with the database: the whole way, briefly. */
  async function worksEndToEnd(options: StartOptions): Promise<void> {
    const start = new Start(options);
    try {
      const api = new Api(await start.ready());
      await api.signUp(OWNER);
      await api.create({ name: 'Mine', database: true });
      await api.waitFor('mine', 'RUNNING');
      const terminal = await Terminal.open(api, 'mine', 'one');
      const script = [
        `const { Client } = require('pg');`,
        `const c = new Client(process.env.DATABASE_URL);`,
        `c.connect().then(() => c.query('select 6 * 7 as n')).then(({ rows }) => { console.log(rows[0].n); return c.end(); });`,
      ].join(' ');
      installIntoWorkspace(options.home, 'mine', 'pg');
      expect(await terminal.run(`node -e "${script}"`)).toBe('42');
      terminal.close();
    } finally {
      await start.stop();
    }
  }

  it('works as root in a folder that only root can enter', async (ctx) => {
    needs(ctx, 'root');
    const closed = newFolder('closed');
    chmodSync(closed, 0o700);
    await worksEndToEnd({ home: join(closed, 'home'), port: await freePort() });
    expect(statSync(closed).mode & 0o777).toBe(0o700);
  });

  it('works as a normal user, from a checkout of their own', async (ctx) => {
    needs(ctx, 'root', 'setpriv');
    const folder = newFolder('nobody');
    const checkout = join(folder, 'checkout');
    mkdirSync(checkout);
    const parts = readdirSync(ROOT).filter((name) => !['.git', '.fullstack-agent'].includes(name));
    // Times of change to the nanosecond: the build looks at them.
    const copy = 'tar --format=posix --exclude=node_modules/.cache -cf - -- "$@" | tar -xf - -C "$0"';
    execFileSync('sh', ['-ec', copy, checkout, ...parts], { cwd: ROOT });
    mkdirSync(join(folder, 'user'));
    execFileSync('chown', ['-R', `${String(NOBODY)}:${String(NOBODY)}`, folder]);
    await worksEndToEnd({
      home: join(folder, 'user', 'home'),
      port: await freePort(),
      cwd: checkout,
      prefix: [pathOf('setpriv'), `--reuid=${String(NOBODY)}`, `--regid=${String(NOBODY)}`, '--clear-groups'],
      env: { HOME: join(folder, 'user') },
    });
  });
});
