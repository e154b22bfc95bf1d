import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { canRun, needsSandbox, Sandbox } from './sandbox.js';
import { plain, Terminal } from './terminal.js';

/** What a person finds in the terminal: sessions, over ttyd's own protocol. */
const sandbox = new Sandbox();
beforeAll(async () => {
  if (canRun()) await sandbox.start();
});
afterAll(async () => {
  await sandbox.stop();
  sandbox.remove();
});

describe('a session id', () => {
  it.for([
    ['leads out of a folder', 'arg=../../etc'],
    ['has a space', 'arg=a%20b'],
    ['is a command', 'arg=%24(touch%20/workspace/pwned)'],
    ['is a command more', 'arg=x%3Btouch%20/workspace/pwned'],
    ['names another pane', 'arg=one:1.2'],
    ['is a pattern', 'arg=*'],
    ['is empty', 'arg='],
    ['is too long', `arg=${'x'.repeat(65)}`],
    ['has a letter that only some languages have', 'arg=%C3%A4'],
    ['comes with a second argument', 'arg=one&arg=two'],
  ])('that %s is refused', async ([, query], ctx) => {
    needsSandbox(ctx);
    const terminal = await Terminal.open(sandbox, query ?? '');
    // ttyd closes in its own way where the program ended with an error.
    expect(await terminal.closed).not.toBe(1000);
    expect(plain(terminal.output)).not.toContain('@my-blog');
    expect(existsSync(sandbox.path('workspace', 'pwned'))).toBe(false);
  });

  it('is refused with a sentence', async (ctx) => {
    needsSandbox(ctx);
    const terminal = await Terminal.shell(sandbox, 'asking');
    const before = await terminal.ask('tmux list-sessions -F "#S"');
    for (const words of ["'a b'", '../x', "''", 'one two'])
      expect(await terminal.ask(`env -u TMUX ttyd-startup.sh ${words}`)).toContain(
        'This is no terminal session',
      );
    expect(await terminal.ask('tmux list-sessions -F "#S"')).toBe(before);
  });

  it('may begin with a dash, and be a number', async (ctx) => {
    needsSandbox(ctx);
    for (const id of ['-x', '--', '12', '_']) {
      const terminal = await Terminal.shell(sandbox, id);
      expect(await terminal.ask('echo "$FULLSTACKAGENT_SESSION"; tmux display-message -p "#S"')).toBe(
        `${id}\n${id}`,
      );
      terminal.cut();
    }
  });

  it('is "main" where there is none', async (ctx) => {
    needsSandbox(ctx);
    const terminal = await Terminal.open(sandbox, '');
    await terminal.sees(/@my-blog/);
    expect(await terminal.ask('echo "$FULLSTACKAGENT_SESSION"')).toBe('main');
  });
});

describe('a session', () => {
  it('goes on with its program when the connection is lost, and shows what was there', async (ctx) => {
    needsSandbox(ctx);
    const before = await Terminal.shell(sandbox, 'lasting');
    const shell = await before.ask('echo $$');
    before.type('for i in $(seq 1 200); do echo "line-$i"; done\r');
    await before.sees(/line-200/);
    before.type(
      'count=0; while [ ! -e /workspace/stop ]; do count=$((count+1)); sleep 0.02; done; echo "cou""nted-$count"\r',
    );
    await before.sees(/sleep 0\.02; done/);
    before.cut();
    const after = await Terminal.open(sandbox, 'arg=lasting');
    // Scrolled out long ago: 30 rows are all that is visible.
    await after.sees(/line-1\D[^]*line-2\D/);
    await after.sees(/line-200/);
    writeFileSync(sandbox.path('workspace', 'stop'), '');
    const [, counted] = await after.sees(/counted-(\d+)/);
    expect(Number(counted)).toBeGreaterThan(0);
    expect(await after.ask('echo $$')).toBe(shell);
  });

  it('is shown to everybody who opens it, and is not another one', async (ctx) => {
    needsSandbox(ctx);
    const [one, same, other] = [
      await Terminal.shell(sandbox, 'shared'),
      await Terminal.shell(sandbox, 'shared'),
      await Terminal.shell(sandbox, 'separate'),
    ];
    one.type('echo "se""en"\r');
    await same.sees(/seen/);
    expect(await one.ask('echo $$')).not.toBe(await other.ask('echo $$'));
    expect(plain(other.output)).not.toContain('seen');
  });

  it('tells where its shell is, as the platform asks when files are dropped', async (ctx) => {
    needsSandbox(ctx);
    const working = await Terminal.shell(sandbox, 'working');
    await working.ask('mkdir -p /workspace/src/deep; cd /workspace/src/deep');
    const asking = await Terminal.shell(sandbox, 'asking');
    expect(await asking.ask("tmux display-message -p -t '=working:' '#{pane_current_path}'")).toBe(
      '/workspace/src/deep',
    );
    // Without tmux it is the environment that tells.
    expect(
      await asking.ask('grep -lzx FULLSTACKAGENT_SESSION=working /proc/[0-9]*/environ | wc -l'),
    ).not.toBe('0');
  });

  it('stays usable while a program floods it', async (ctx) => {
    needsSandbox(ctx);
    const terminal = await Terminal.shell(sandbox, 'flood');
    terminal.type('yes flooding\r');
    await until('a good deal has come', () => terminal.output.length > 500_000, { every: 10 });
    terminal.type('\u0003');
    expect(await terminal.ask('echo still here')).toBe('still here');
  });

  it("takes every key: none is the multiplexer's", async (ctx) => {
    needsSandbox(ctx);
    const terminal = await Terminal.shell(sandbox, 'keys');
    terminal.type('read -rsn3 keys; printf \'got:%s:\' "$(printf %s "$keys" | od -An -tx1 | tr -d \' \')"\r');
    await terminal.sees(/read -rsn3/);
    terminal.type('\u0002c\u0002');
    await terminal.sees(/got:026302:/);
  });
});

describe('a new shell', () => {
  it('welcomes once, and sees a variable that has changed since', async (ctx) => {
    needsSandbox(ctx);
    writeFileSync(sandbox.path('env', 'COLOUR'), 'red');
    const first = await Terminal.shell(sandbox, 'first');
    expect(await first.ask('echo $COLOUR')).toBe('red');
    writeFileSync(sandbox.path('env', 'COLOUR'), 'blue');
    const second = await Terminal.shell(sandbox, 'second');
    expect(await second.ask('echo $COLOUR')).toBe('blue');
    expect(await first.ask('echo $COLOUR')).toBe('red');
    expect(plain(second.output)).not.toContain('is ready');
    expect(plain(second.output)).toContain('developer@my-blog:/workspace$');
  });
});

describe('the first connection', () => {
  const agent = new Sandbox();
  afterAll(async () => {
    await agent.stop();
    agent.remove();
  });

  it('is in Claude Code at once where there is a login, and the next one is not', async (ctx) => {
    needsSandbox(ctx);
    mkdirSync(agent.path('home', 'bin'));
    const claude = agent.path('home', 'bin', 'claude');
    writeFileSync(
      claude,
      '#!/bin/bash\ntty -s && read -rp "claude asks: " word && echo "claude heard $word"\n',
    );
    chmodSync(claude, 0o755);
    mkdirSync(agent.path('home', '.claude'));
    writeFileSync(agent.path('home', '.claude', '.credentials.json'), '{}');
    writeFileSync(agent.path('env', 'PATH'), '/home/developer/bin:/usr/bin:/bin');
    await agent.start();
    const first = await Terminal.open(agent, 'arg=one');
    await first.sees(/claude asks: /);
    expect(plain(first.output)).toMatch(/FULLSTACKAGENT_NO_CLAUDE=1/);
    first.type('hello\r');
    await first.sees(/claude heard hello/);
    await first.sees(/@my-blog/);
    const second = await Terminal.shell(agent, 'two');
    expect(await second.ask('echo only a shell')).toBe('only a shell');
    expect(plain(second.output)).not.toContain('claude');
  });
});
