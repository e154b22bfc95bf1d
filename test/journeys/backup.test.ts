import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Api } from '../support/api.js';
import { owner, ownerAgain } from '../support/fixtures.js';
import { removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { git } from '../support/git.js';
import { Platform, Start, killAllOf, noProcessesOf } from '../support/platform.js';
import { freePort } from '../support/folders.js';
import { Terminal } from '../support/terminal.js';

interface Said {
  readonly code: number | null;
  readonly output: string;
}

/** `npm run backup`, `restore` or `reset` as a person would, with what is typed. */
function care(
  command: string,
  options: { home: string; args?: readonly string[]; typed?: string },
): Promise<Said> {
  const child = spawn(process.execPath, [`scripts/${command}.mjs`, ...(options.args ?? [])], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], FULLSTACK_AGENT_HOME: options.home },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stdin.end(options.typed ?? '');
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}

async function rows(api: Api): Promise<unknown[]> {
  const { url } = await api.reveal('shop');
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ text: string }>('SELECT text FROM note ORDER BY text')).rows;
  } finally {
    await client.end();
  }
}

async function insert(api: Api, text: string): Promise<void> {
  const { url } = await api.reveal('shop');
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('CREATE TABLE IF NOT EXISTS note (text text)');
  await client.query('INSERT INTO note VALUES ($1)', [text]);
  await client.end();
}

describe('a backup of the whole home folder', () => {
  const platform = new Platform('backup');
  const folder = temporaryFolder('archive');
  const archive = join(folder, 'all.tar.gz');
  const restored = join(folder, 'restored');
  let api: Api;
  let second: Start | undefined;

  beforeAll(async () => {
    await platform.start();
    api = await owner(platform.url);
    await api.create({
      name: 'Shop',
      database: true,
      env: [{ name: 'KEY', value: 'sealed once', secret: true }],
    });
    await api.create({ name: 'Asleep', database: true });
    await Promise.all([api.waitFor('shop', 'RUNNING'), api.waitFor('asleep', 'RUNNING')]);
    await api.act('asleep', 'stop');
    await api.waitFor('asleep', 'STOPPED');
    const terminal = await Terminal.open(api, 'shop', 'one');
    await terminal.run(
      'mkdir -p src && echo kept > src/note.txt && chmod 750 src && ln -s note.txt src/link',
    );
    terminal.close();
    await insert(api, 'before');
  });

  afterAll(async () => {
    await second?.stop();
    killAllOf(restored);
    await platform.remove();
    removeFolder(folder);
  });

  it('is made while it runs, for its owner alone, and disturbs nothing', async () => {
    const terminal = await Terminal.open(api, 'shop', 'two');
    const { code, output } = await care('backup', { home: platform.home, args: [archive] });
    expect(output).toContain(`Wrote ${archive} (`);
    expect(code).toBe(0);
    expect(statSync(archive).mode & 0o777).toBe(0o600);
    expect(await terminal.run('echo still here')).toBe('still here');
    terminal.close();
    await insert(api, 'after');
    const again = await care('backup', { home: platform.home, args: [archive] });
    expect(again).toMatchObject({ code: 1, output: `${archive} is there already.\n` });
  });

  it('is restored into an empty folder, and into no other', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'thesis.txt'), 'mine');
    const refused = await care('restore', { home: full, args: [archive] });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain(`${full} is not empty, and nothing is written over`);
    expect(readFileSync(join(full, 'thesis.txt'), 'utf8')).toBe('mine');

    const { code, output } = await care('restore', { home: restored, args: [archive] });
    expect(output).toContain(`Restored ${restored} as it was at `);
    expect(code).toBe(0);
    for (const key of ['keys/controller-token', 'keys/portal-database-password', 'engine/sealing/tls.key'])
      expect(statSync(join(restored, key)).mode & 0o777, key).toBe(0o600);
  });

  it('starts beside the first, with everything that was there', async () => {
    second = new Start({ home: restored, port: await freePort() });
    const twin = await ownerAgain(await second.ready());
    await twin.waitFor('shop', 'RUNNING');
    await twin.waitFor('asleep', 'STOPPED');
    expect(await rows(twin)).toEqual([{ text: 'before' }]);
    const terminal = await Terminal.open(twin, 'shop', 'one');
    expect(await terminal.run('cat src/link; stat -c %a src')).toBe('kept\n750');
    expect(await terminal.variable('KEY')).toBe('sealed once');
    terminal.close();
    const main = (repository: string): string => git(repository, 'rev-parse', 'main~0');
    expect(main(join(restored, 'gitops.git'))).toBe(main(platform.repository));
    await twin.act('asleep', 'start');
    await twin.waitFor('asleep', 'RUNNING');
    expect((await twin.history('asleep')).commits.length).toBeGreaterThan(2);

    // The first was not disturbed by its twin.
    expect(await rows(api)).toEqual([{ text: 'after' }, { text: 'before' }]);
    const first = await Terminal.open(api, 'shop', 'three');
    expect(await first.run('cat src/note.txt')).toBe('kept');
    first.close();
  });

  it('is removed by its name only, and not while it runs', async () => {
    const running = await care('reset', { home: restored, typed: `${basename(restored)}\n` });
    expect(running.code).toBe(1);
    expect(running.output).toContain('FullstackAgent is running on this folder already: http://localhost:');
    await second?.stop();
    await noProcessesOf(restored);

    for (const typed of ['', 'yes\n']) {
      const wrong = await care('reset', { home: restored, typed });
      expect(wrong.output).toContain('Nothing was removed: that is not its name.');
      expect(wrong.code).toBe(1);
    }
    expect(existsSync(join(restored, 'gitops.git', 'HEAD'))).toBe(true);
    const right = await care('reset', { home: restored, typed: `${basename(restored)}\n` });
    expect(right.output).toContain(`Removed ${restored}. The next npm start begins anew.`);
    expect([right.code, existsSync(restored)]).toEqual([0, false]);

    const strange = await care('reset', { home: folder, typed: `${basename(folder)}\n` });
    expect(strange.output).toContain(`${folder} is not a home folder of FullstackAgent.`);
    expect(existsSync(archive)).toBe(true);
  });
});
