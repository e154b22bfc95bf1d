import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';
import { probeIsolation } from '../isolation/index.js';
import { list, text } from '../store/object.js';
import { TestEngine, until } from '../testing/engine-harness.js';
import { GitOverHttp, makeRepository } from '../testing/git-over-http.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';

const isolation = await probeIsolation({ path: searchPath(), log: pino({ level: 'silent' }), markers: {} });

const ADDRESS = 'https://git.example/blog.git';
const START = {
  FULLSTACKAGENT_REPOSITORY: ADDRESS,
  FULLSTACKAGENT_REPOSITORY_BRANCH: 'trunk',
  FULLSTACKAGENT_SYSTEM_PROMPT: 'Use tabs.\n',
  FULLSTACKAGENT_GIT_NAME: 'Ada Lovelace',
  FULLSTACKAGENT_GIT_EMAIL: 'ada@example.com',
};

/** Stands in for the network: git itself puts this in the place of the address. */
const reachedAt = (place: string): Readonly<Record<string, string>> => ({
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: `url.${place}.insteadOf`,
  GIT_CONFIG_VALUE_0: ADDRESS,
});

let engine: TestEngine;
let server: GitOverHttp;

beforeEach(async () => {
  server = await GitOverHttp.start();
  await makeRepository(join(server.folder, 'blog.git'), {
    'index.js': 'from the repository',
    'src/.keep': '',
  });
});
afterEach(async () => {
  server.release();
  await engine.remove();
  await server.stop();
});

const volume = (...below: string[]): string =>
  join(engine.home, 'volumes', NAMESPACE, 'blog--workspace', ...below);
const begin = async (
  env: Readonly<Record<string, string>>,
  kind: 'none' | 'auto' = 'none',
): Promise<void> => {
  engine = await TestEngine.create(kind);
  await engine.repository.commit(blogFiles({ env: { ...START, ...env } }));
  await engine.start();
  await engine.readyPod();
};
const restart = async (env: Readonly<Record<string, string>>, restartedAt: string): Promise<void> => {
  const before = text(await engine.readyPod(), 'metadata', 'uid');
  await engine.repository.commit(blogFiles({ env: { ...START, ...env }, restartedAt }));
  await until(
    async () => (text(await engine.readyPod(), 'metadata', 'uid') === before ? undefined : true),
    'another pod',
  );
};
const said = (pattern: RegExp): Promise<unknown> =>
  until(async () => {
    const { body } = await engine.kube(`/api/v1/namespaces/${NAMESPACE}/events`);
    return list(body, 'items').find((event) => pattern.test(text(event, 'message') ?? ''));
  }, String(pattern));

describe('the volume of a sandbox on this machine', () => {
  it('is filled from a repository, for which shells wait and say so', async () => {
    server.hold();
    await begin(reachedAt(`${server.url}/blog.git`));
    const shell = await engine.shell();
    await shell.waitFor(/Cloning https:\/\/git\.example\/blog\.git into \/workspace/);
    expect(await readdir(volume('workspace'))).not.toContain('index.js');
    server.release();
    const shown = await shell.waitFor(/is ready\.[^]*[$#] .*$/);
    expect(shown.indexOf('Cloning')).toBeLessThan(shown.indexOf('is ready.'));
    shell.type(
      'command ls -A; cat CLAUDE.md; git config user.name; git config user.email; git branch --show-current',
    );
    await shell.waitFor(
      /\.git\s+CLAUDE\.md\s+index\.js\s+src\s+Use tabs\.\s+Ada Lovelace\s+ada@example\.com\s+trunk/,
    );
    await said(/git\.example\/blog\.git was cloned\.$/);
    // What the volume begins with is no variable of a shell.
    shell.type('echo "<$(env | grep -c FULLSTACKAGENT_SYSTEM)>"');
    await shell.waitFor(/<0>/);
  });

  it('says why where it cannot be had, is tried again at the next start, and is never touched after', async () => {
    await begin(reachedAt(`${server.url}/nothing.git`));
    const shell = await engine.shell();
    const shown = await shell.waitFor(/could not be cloned[^]*[$#] .*$/);
    expect(shown).toMatch(/fatal: repository '.*' not found/);
    expect(shown).toContain(`git clone --branch=trunk -- ${ADDRESS} .`);
    expect(await said(/could not be cloned/)).toMatchObject({ type: 'Warning', reason: 'FailedPreparing' });
    expect(await readdir(volume('workspace'))).toEqual([]);

    await restart(reachedAt(`${server.url}/blog.git`), '2026-11-28T12:00:00Z');
    await said(/blog\.git was cloned\.$/);
    await writeFile(volume('workspace', 'index.js'), 'changed by hand');
    const changed = { ...reachedAt(server.url), FULLSTACKAGENT_SYSTEM_PROMPT: 'Use spaces.' };
    await restart({ ...changed, FULLSTACKAGENT_GIT_NAME: 'Countess' }, '2026-11-28T12:10:00Z');
    expect(await readFile(volume('workspace', 'index.js'), 'utf8')).toBe('changed by hand');
    expect(await readFile(volume('workspace', 'CLAUDE.md'), 'utf8')).toBe('Use tabs.\n');
    // The identity follows the project, because nobody has set their own.
    expect(await readFile(volume('home', '.gitconfig'), 'utf8')).toContain('name = Countess');
  });

  it('keeps what somebody made who did not wait: the repository is beside it', async () => {
    server.hold();
    await begin(reachedAt(`${server.url}/blog.git`));
    const shell = await engine.shell();
    await shell.waitFor(/Ctrl-C opens the shell/);
    shell.interrupt();
    await shell.waitFor(/is ready\.[^]*[$#] .*$/);
    shell.type('echo mine >index.js; echo wr""itten');
    await shell.waitFor(/written/);
    server.release();
    await said(/was cloned into the folder blog: \/workspace was not empty any more/);
    expect(await readFile(volume('workspace', 'index.js'), 'utf8')).toBe('mine\n');
    expect(await readFile(volume('workspace', 'blog', 'index.js'), 'utf8')).toBe('from the repository');
  });

  it('goes on where a move into the workspace was cut off', async () => {
    engine = await TestEngine.create();
    await makeRepository(join(server.folder, 'x.git'), { a: '' });
    await mkdir(volume('workspace', '.fullstackagent-cloned'), { recursive: true });
    await writeFile(volume('workspace', 'moved'), '');
    await writeFile(volume('workspace', '.fullstackagent-cloned', 'left'), '');
    await engine.repository.commit(blogFiles({ env: START }));
    await engine.start();
    await engine.readyPod();
    expect((await readdir(volume('workspace'))).sort()).toEqual(['CLAUDE.md', 'left', 'moved']);
  });
});

describe.skipIf(isolation.kind !== 'bubblewrap')('in a sandbox of its own (only with bubblewrap)', () => {
  it('is filled by the same script, as the user of the sandbox', async () => {
    engine = await TestEngine.create('auto');
    await makeRepository(volume('home', 'there.git'), { 'index.js': 'from the repository' });
    await engine.repository.commit(
      blogFiles({ env: { ...START, ...reachedAt('/home/developer/there.git') } }),
    );
    await engine.start();
    await engine.readyPod();
    const shell = await engine.shell();
    await shell.waitFor(/is ready[^]*[$#] .*$/);
    shell.type('cat index.js CLAUDE.md; stat -c "%U %n" index.js CLAUDE.md; git config user.name');
    await shell.waitFor(
      /from the repositoryUse tabs\.\s+developer index\.js\s+developer CLAUDE\.md\s+Ada Lovelace/,
    );
  });
});
