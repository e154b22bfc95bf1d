import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../support/capabilities.js';
import { until } from '../support/until.js';
import { needsSandbox, RUNTIME, Sandbox, TOKEN } from './sandbox.js';
import { basic, Terminal } from './terminal.js';

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(async () => {
  await sandbox.stop();
  sandbox.remove();
});

/** Every place where a process of the same user could come across the token, and how often it is there. */
const SEARCH = `{ cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; cat /proc/[0-9]*/maps; env; cat $(find /tmp /workspace /home -type f ! -name found ! -name pattern); } 2>/dev/null | grep -acFf /tmp/pattern`;

describe('the token', () => {
  it.for<[string, Record<string, string>, string]>([
    ['is missing', {}, 'TTYD_ACCESS_TOKEN is not set'],
    ['is empty', { TTYD_ACCESS_TOKEN: '' }, 'TTYD_ACCESS_TOKEN is not set'],
    ['is short', { TTYD_ACCESS_TOKEN: 'short' }, 'has to have 16 to 128 characters'],
    ['has a line end', { TTYD_ACCESS_TOKEN: 'sixteen-letters-\nuser:x' }, 'without spaces'],
  ])('keeps the sandbox from starting where it %s', async ([, env, reason], ctx) => {
    needsSandbox(ctx);
    const { code, output } = await sandbox.run(env);
    expect(code).toBe(64);
    expect(output).toContain(reason);
    expect(output).not.toContain('sixteen-letters');
  });

  it('opens the page and the WebSocket, as the password of "user" and no other', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await sandbox.get(path, headers)).status;
    for (const path of ['/', '/token', '/ws']) {
      expect(await status(path)).toBe(401);
      expect(await status(path, { Authorization: basic('something-else-entirely') })).toBe(401);
      expect(await status(path, { Authorization: basic(`${TOKEN}x`) })).toBe(401);
    }
    expect(await status('/', { Authorization: basic() })).toBe(200);
    const token = await sandbox.get('/token', { Authorization: basic() });
    expect(await token.json()).toEqual({ token: '' });
  });

  it('does not let a foreign page use what the browser remembers of it', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const host = `127.0.0.1:${sandbox.port}`;
    const from = async (origin: string): Promise<number> =>
      (await sandbox.get('/token', { Authorization: basic(), Origin: origin })).status;
    expect(await from(`http://${host}`)).toBe(200);
    for (const origin of ['https://evil.example', `https://${host}.evil.example`, `http://x/${host}`, 'null'])
      expect(await from(origin)).toBe(403);
  });

  it('cannot be found by a shell, in no process, file or log', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    writeFileSync(
      sandbox.path('tmp', 'pattern'),
      `${TOKEN}\n${Buffer.from(`user:${TOKEN}`).toString('base64')}\n`,
      { mode: 0o644 },
    );
    const terminal = await Terminal.shell(sandbox, 'one');
    expect(await terminal.ask('tr "\\0" " " </proc/1/cmdline')).toContain('tini');
    expect(await terminal.ask(SEARCH)).toBe('0');
    // The same search finds what is there to be found.
    await terminal.ask('env LEAK="$(head -1 /tmp/pattern)" sleep 100 & sleep 0.2');
    expect(Number(await terminal.ask(SEARCH))).toBeGreaterThan(0);
    expect(sandbox.log).not.toContain(TOKEN);
    expect(sandbox.log).not.toContain(Buffer.from(`user:${TOKEN}`).toString('base64'));
  });
});

describe('nginx, which sees the token in each request', () => {
  it('cannot be looked into by a shell of the same user', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const terminal = await Terminal.shell(sandbox, 'one');
    const look = (program: string): Promise<string> =>
      terminal.ask(
        `for pid in $(ps -C ${program} -o pid=); do for file in environ mem maps; do head -c 1 /proc/$pid/$file | wc -c; done; done`,
      );
    const seen = await look('nginx');
    expect(seen.match(/Permission denied/g)).toHaveLength(3);
    expect(seen).not.toMatch(/^[1-9]/m);
    // ttyd, which never sees it, shows that the files could be read otherwise.
    expect(await look('ttyd')).toMatch(/^1$/m);
  });
});

describe('as on a cluster', () => {
  it('runs as developer, without capabilities, on a read-only root', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const terminal = await Terminal.shell(sandbox, 'one');
    expect(await terminal.ask('id')).toMatch(/^uid=1001\(developer\) gid=1001\(developer\)/);
    const status = await terminal.ask('cat /proc/1/status');
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(status).toMatch(new RegExp(`^${set}:\\s+0{16}$`, 'm'));
    expect(await terminal.ask('touch /usr/local/bin/x /etc/x /opt/x')).toMatch(
      /(?:Read-only file system[^]*){3}/,
    );
    expect(await terminal.ask('echo $TERM $COLORTERM $USER $HOME; pwd')).toBe(
      'tmux-256color truecolor developer /home/developer\n/workspace',
    );
  });

  it('ends on SIGTERM, after what runs in it had a chance to end in order', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const terminal = await Terminal.shell(sandbox, 'one');
    terminal.type(
      `bash -c 'trap "echo bye >/workspace/bye; exit" HUP; echo re""ady; while :; do sleep 0.1; done'\r`,
    );
    await terminal.sees(/ready/);
    const server = await Terminal.shell(sandbox, 'two');
    await server.ask(
      `setsid bash -c 'trap "" HUP; trap "echo end >/workspace/end; exit" TERM; echo >/tmp/set; while :; do sleep 0.1; done' & until [ -e /tmp/set ]; do sleep 0.05; done`,
    );
    expect(await sandbox.stop()).toBe(0);
    expect(sandbox.read('workspace', 'bye')).toBe('bye\n');
    expect(sandbox.read('workspace', 'end')).toBe('end\n');
  });

  it('leaves no zombies of what nobody waits for', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const terminal = await Terminal.shell(sandbox, 'one');
    await terminal.ask("for i in 1 2 3 4 5; do setsid sh -c 'sleep 0.1 & echo $! >>/tmp/orphans'; done");
    await until('the orphans are reaped', async () => {
      const left = await terminal.ask(
        'for pid in $(cat /tmp/orphans); do [ -e /proc/$pid ] && echo $pid; done',
      );
      return left === '';
    });
    expect(await terminal.ask('wc -l </tmp/orphans')).toBe('5');
  });

  it.for(['ttyd', 'nginx'])('ends when %s is killed, so that it is started again', async (name, ctx) => {
    needsSandbox(ctx);
    await sandbox.start();
    const terminal = await Terminal.shell(sandbox, 'one');
    terminal.type(`kill -9 $(ps -C ${name} -o pid= | head -1)\r`);
    expect(await sandbox.ended()).not.toBe(0);
    expect(sandbox.log).toContain('A program of the terminal ended');
  });

  it('starts again in the same /tmp, and welcomes again', async (ctx) => {
    needsSandbox(ctx);
    for (const round of [1, 2]) {
      await sandbox.start();
      const terminal = await Terminal.shell(sandbox, 'one');
      await terminal.sees(/is ready/);
      expect(await terminal.ask(`echo round ${round}`)).toBe(`round ${round}`);
      process.kill(sandbox.firstProcess(), 'SIGKILL');
      await sandbox.ended();
    }
  });
});

describe('variables of the project', () => {
  it('reach shells from their files only, and none of the programs below them', async (ctx) => {
    needsSandbox(ctx);
    const values = { GREETING: 'hello', GONE: 'old', LD_PRELOAD: '/nowhere.so', PATH: '/home/developer/bin' };
    for (const [name, value] of Object.entries(values)) writeFileSync(sandbox.path('env', name), value);
    await sandbox.start({ GREETING: 'hello', GONE: 'old', LD_PRELOAD: '/nowhere.so' });
    for (const name of ['GONE', 'LD_PRELOAD', 'PATH']) rmSync(sandbox.path('env', name));
    writeFileSync(sandbox.path('env', 'GREETING'), 'good morning');
    const terminal = await Terminal.shell(sandbox, 'one');
    expect(await terminal.ask('echo "$GREETING, ${GONE-gone}, ${LD_PRELOAD-none}"')).toBe(
      'good morning, gone, none',
    );
    expect(await terminal.ask("tr '\\0' '\\n' </proc/$(ps -C ttyd -o pid= | tr -d ' ')/environ")).not.toMatch(
      /GREETING|LD_PRELOAD/,
    );
  });
});

describe('the run folder, which is removed at each start', () => {
  it.for([
    ['the workspace itself', 'workspace'],
    ['what the workspace is in', '.'],
    ['in the workspace', 'workspace/app'],
    ['the home by a way around', 'tmp/../home'],
  ])('is not %s', ([, place = ''], ctx) => {
    needs(ctx, 'tini');
    const file = join(sandbox.folder, 'workspace', 'app', 'kept');
    mkdirSync(join(file, '..'));
    writeFileSync(file, 'kept');
    const { status, stderr } = spawnSync('bash', ['-p', join(RUNTIME, 'entrypoint.sh')], {
      encoding: 'utf8',
      env: {
        ...{
          HOME: join(sandbox.folder, 'home'),
          FULLSTACKAGENT_WORKSPACE: join(sandbox.folder, 'workspace'),
        },
        ...{ FULLSTACKAGENT_RUN_DIR: `${sandbox.folder}/${place}`, TTYD_ACCESS_TOKEN: TOKEN },
      },
    });
    expect(stderr).toContain('is not to be removed');
    expect(status).toBe(64);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});
