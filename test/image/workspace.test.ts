import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HttpsGit } from '../support/https-git.js';
import { canRun, needsSandbox, Sandbox } from './sandbox.js';
import { Terminal } from './terminal.js';

let sandbox: Sandbox;
let git: HttpsGit;
let repository: Readonly<Record<string, string>>;

beforeAll(async () => {
  if (!canRun()) return;
  git = await HttpsGit.start();
  git.add('blog', { 'index.js': 'from the repository', '.env.example': 'A=' });
  repository = { FULLSTACKAGENT_REPOSITORY: git.urlOf('blog') };
});
afterAll(() => {
  if (canRun()) git.stop();
});
beforeEach(() => {
  sandbox = new Sandbox();
  if (!canRun()) return;
  // As a project would trust a company's own: by a variable.
  copyFileSync(git.certificate, sandbox.path('home', 'git.crt'));
  writeFileSync(sandbox.path('env', 'GIT_SSL_CAINFO'), '/home/developer/git.crt');
});
afterEach(async () => {
  if (canRun()) {
    git.password = undefined;
    git.release();
  }
  await sandbox.stop();
  sandbox.remove();
});

describe('an empty volume', () => {
  const prompt = { FULLSTACKAGENT_SYSTEM_PROMPT: 'Use tabs.\n$(touch /workspace/pwned) `id`' };

  it('gets the template, the system prompt and the git identity, once', async (ctx) => {
    needsSandbox(ctx);
    mkdirSync(sandbox.path('template', 'src'));
    writeFileSync(sandbox.path('template', 'src', 'index.js'), 'from the template');
    writeFileSync(sandbox.path('template', '.gitignore'), 'node_modules\n');
    const env = {
      ...prompt,
      FULLSTACKAGENT_GIT_NAME: 'Ada Lovelace',
      FULLSTACKAGENT_GIT_EMAIL: 'ada@example.com',
    };
    await sandbox.start(env);
    expect(sandbox.read('workspace', 'src', 'index.js')).toBe('from the template');
    expect(sandbox.read('workspace', '.gitignore')).toBe('node_modules\n');
    expect(sandbox.read('workspace', 'CLAUDE.md')).toBe(`${prompt.FULLSTACKAGENT_SYSTEM_PROMPT}\n`);
    expect(existsSync(sandbox.path('workspace', 'pwned'))).toBe(false);
    const terminal = await Terminal.shell(sandbox, 'one');
    expect(await terminal.ask('git config user.name; git config user.email')).toBe(
      'Ada Lovelace\nada@example.com',
    );
    // Somebody changes one and deletes the rest: neither comes back.
    await terminal.ask('git config --global user.name Countess; rm -r /workspace/*');
    await sandbox.stop();
    await sandbox.start(env);
    expect(existsSync(sandbox.path('workspace', 'CLAUDE.md'))).toBe(false);
    const again = await Terminal.shell(sandbox, 'one');
    expect(await again.ask('git config user.name; ls /workspace')).toBe('Countess');
  });

  it('is filled from a repository, in full and without a trace of the way there', async (ctx) => {
    needsSandbox(ctx);
    await sandbox.start({ ...prompt, ...repository, FULLSTACKAGENT_REPOSITORY_BRANCH: 'trunk' });
    const terminal = await Terminal.shell(sandbox, 'one');
    expect(sandbox.log).toContain(`${git.urlOf('blog')} was cloned.`);
    expect(sandbox.read('workspace', 'index.js')).toBe('from the repository');
    expect(sandbox.read('workspace', 'CLAUDE.md')).toContain('Use tabs.');
    expect(await terminal.ask('ls -A; git status --short --branch; git config remote.origin.url')).toBe(
      `.env.example\n.git\nCLAUDE.md\nindex.js\n## trunk...origin/trunk\n?? CLAUDE.md\n${git.urlOf('blog')}`,
    );
  });

  it('is filled behind a terminal that answers, and shells wait for it', async (ctx) => {
    needsSandbox(ctx);
    git.hold();
    await sandbox.start(repository);
    const terminal = await Terminal.open(sandbox, 'arg=one');
    await terminal.sees(/Cloning https:.*blog\.git into \/workspace/);
    // A second one does not wait: what it makes is kept, beside the repository.
    const impatient = await Terminal.open(sandbox, 'arg=two');
    await impatient.sees(/Ctrl-C opens the shell/);
    impatient.type('\u0003');
    await impatient.sees(/@my-blog/);
    await impatient.ask('echo mine >index.js');
    expect(terminal.output).not.toContain('@my-blog');
    git.release();
    await terminal.sees(/@my-blog/);
    expect(await terminal.ask('cat index.js blog/index.js; ls -A')).toBe(
      'mine\nfrom the repositoryblog\nindex.js',
    );
  });

  it('does not keep the sandbox from ending while it is filled', async (ctx) => {
    needsSandbox(ctx);
    git.hold();
    await sandbox.start(repository);
    const terminal = await Terminal.open(sandbox, 'arg=one');
    await terminal.sees(/Cloning/);
    expect(await sandbox.stop()).toBe(0);
    git.release();
    await sandbox.start(repository);
    await Terminal.shell(sandbox, 'one');
    expect(sandbox.read('workspace', 'index.js')).toBe('from the repository');
    expect(existsSync(sandbox.path('workspace', '.fullstackagent-clone'))).toBe(false);
  });

  it('is left empty where the repository cannot be had: each shell says why, and each start tries again', async (ctx) => {
    needsSandbox(ctx);
    git.password = 'right-token';
    await sandbox.start(repository);
    const terminal = await Terminal.shell(sandbox, 'one');
    await terminal.sees(/could not be cloned/);
    await terminal.sees(/fatal: could not read Username/);
    await terminal.sees(/put GH_TOKEN among the secret variables/);
    expect(sandbox.log).toContain('could not be cloned');
    expect(readdirSync(sandbox.path('workspace'))).toEqual([]);
    await sandbox.stop();
    // What tells git who asks on github.com, here for the server of the tests.
    const helper = /helper = "(.*)"/.exec(sandbox.read('home', '.gitconfig'))?.[1] ?? '';
    writeFileSync(
      sandbox.path('home', '.gitconfig'),
      `[credential "https://127.0.0.1"]\n\thelper = "${helper}"\n[credential "${new URL(git.urlOf('blog')).origin}"]\n\thelper = "${helper}"\n`,
    );
    writeFileSync(sandbox.path('env', 'GH_TOKEN'), 'wrong-token');
    await sandbox.start(repository);
    const again = await Terminal.shell(sandbox, 'one');
    await again.sees(/Authentication failed/);
    await sandbox.stop();
    writeFileSync(sandbox.path('env', 'GH_TOKEN'), 'right-token');
    await sandbox.start(repository);
    const last = await Terminal.shell(sandbox, 'one');
    expect(await last.ask('cat index.js; grep -r right-token .git; git fetch && echo fetched')).toContain(
      'from the repositoryfetched',
    );
    expect(last.output).not.toContain('could not be cloned');
    expect(sandbox.log).not.toContain('-token');
  });

  it('gets a later change of the git identity, where nobody has set their own', async (ctx) => {
    needsSandbox(ctx);
    const start = async (name: string): Promise<string> => {
      await sandbox.stop();
      await sandbox.start({ FULLSTACKAGENT_GIT_NAME: name, FULLSTACKAGENT_GIT_EMAIL: `${name}@example.com` });
      const terminal = await Terminal.shell(sandbox, 'one');
      return terminal.ask('git config user.name; git config user.email');
    };
    expect(await start('ada')).toBe('ada\nada@example.com');
    expect(await start('grace')).toBe('grace\ngrace@example.com');
    const terminal = await Terminal.shell(sandbox, 'one');
    await terminal.ask('git config --global user.name Countess');
    expect(await start('ada')).toBe('Countess\nada@example.com');
  });

  it('is left alone where it is not empty', async (ctx) => {
    needsSandbox(ctx);
    writeFileSync(sandbox.path('template', 'README.md'), 'from the template');
    writeFileSync(sandbox.path('workspace', '.hidden'), 'mine');
    await sandbox.start(prompt);
    expect(existsSync(sandbox.path('workspace', 'README.md'))).toBe(false);
    expect(existsSync(sandbox.path('workspace', 'CLAUDE.md'))).toBe(false);
    expect(sandbox.read('workspace', '.hidden')).toBe('mine');
  });

  it.for([
    'https://ada:secret-word@example.com/blog.git',
    'ext::sh -c "touch /workspace/pwned"',
    '--upload-pack=touch /workspace/pwned',
    'file:///etc',
  ])('is not filled from an address like %s', async (address, ctx) => {
    needsSandbox(ctx);
    await sandbox.start({ FULLSTACKAGENT_REPOSITORY: address });
    expect(sandbox.log).toContain('It was not cloned');
    expect(sandbox.log).not.toContain('secret-word');
    expect(existsSync(sandbox.path('workspace', 'pwned'))).toBe(false);
    expect(existsSync(sandbox.path('workspace', '.git'))).toBe(false);
  });
});
