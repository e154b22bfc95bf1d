import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { spawn } from '@lydell/node-pty';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchPath } from '../config.js';

const run = promisify(execFile);
const bashrc = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '.bashrc');
/** Prints what the shell hands to its programs, as JSON. */
const SHOW = `"$NODE" -e 'process.stdout.write("<" + JSON.stringify(process.env) + ">")'`;

let root: string;
const folder = (name: string): string => join(root, name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsa-bashrc-'));
  for (const name of ['env', 'home', 'run', 'bin']) await mkdir(folder(name));
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** A new shell of the sandbox that runs one line; what it printed. */
async function shell(line: string, extra: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run('bash', ['--rcfile', bashrc, '-i', '-c', line], {
    env: { ...environment(), ...extra },
  });
  return stdout;
}

const environment = (): Record<string, string> => ({
  HOME: folder('home'),
  PATH: [folder('bin'), searchPath()].join(delimiter),
  NODE: process.execPath,
  LANG: 'C.UTF-8',
  PROJECT_NAME: 'my-blog',
  FULLSTACKAGENT_ENV_DIR: folder('env'),
  FULLSTACKAGENT_RUN_DIR: folder('run'),
});

/** What is shown of a shell in a terminal, in which these lines are typed one after the other, as it asks for them. */
async function typed(lines: readonly string[], extra: Record<string, string>): Promise<string> {
  const terminal = spawn('bash', ['--rcfile', bashrc, '-i'], { env: { ...environment(), ...extra } });
  let shown = '';
  let sent = 0;
  terminal.onData((data) => {
    shown += data;
    // A prompt ends with a space: of the shell, or of a question.
    if (/(?:[$#]|\[y\/N\]) $/.test(shown) && sent < lines.length) {
      terminal.write(`${lines[sent] ?? ''}\r`);
      sent += 1;
    }
  });
  await new Promise((resolve) => terminal.onExit(resolve));
  return shown;
}

/** The machine that this runs on may have it. */
const withoutClaude = (): string => [folder('bin'), '/usr/bin', '/bin'].join(delimiter);

async function variables(): Promise<Record<string, string>> {
  const output = await shell(SHOW);
  return JSON.parse(/<(\{.*\})>/.exec(output)?.[1] ?? '{}') as Record<string, string>;
}

const set = (name: string, value: string): Promise<void> => writeFile(join(folder('env'), name), value);

async function installClaude(): Promise<void> {
  await writeFile(join(folder('bin'), 'claude'), '#!/bin/sh\necho "claude runs with $ANTHROPIC_API_KEY"\n');
  await chmod(join(folder('bin'), 'claude'), 0o755);
}

describe('variables of the project', () => {
  it.each([
    ['text', 'hello world'],
    ['line ends, at the end too', 'one\ntwo\n\n'],
    ['quotes', `it's "quoted" \\ and \\n`],
    ['what a shell would run', '$(touch pwned) `touch pwned` ${HOME} !! *'],
    ['Unicode', 'h€llo – 你好 🎉'],
    ['spaces at both ends', '  x\t '],
    ['nothing', ''],
    ['64 KiB', 'z'.repeat(64 * 1024)],
  ])('reach programs byte for byte: %s', async (_name, value) => {
    await set('VALUE', value);
    expect((await variables())['VALUE']).toBe(value);
  });

  it("are skipped where the name is none, or is bash's own", async () => {
    for (const name of ['1ST', 'a-b', 'x y', '..data', 'UID', 'BASHOPTS']) await set(name, 'strange');
    await set('GOOD', 'yes');
    const seen = await variables();
    expect(seen['GOOD']).toBe('yes');
    expect(Object.values(seen)).not.toContain('strange');
  });

  it('do not keep the shell from working where one is too long', async () => {
    await set('HUGE', 'z'.repeat(200_000));
    await set('GOOD', 'yes');
    const output = await shell(SHOW);
    expect(output).toContain('HUGE is too long for a variable. Read it from');
    expect(output).toContain('"GOOD":"yes"');
  });

  it('may have the names that this script uses for itself', async () => {
    const names = ['name', 'file', 'value', 'LC_ALL'];
    for (const name of names) await set(name, `C.${name}`);
    const seen = await variables();
    expect(names.map((name) => seen[name])).toEqual(names.map((name) => `C.${name}`));
  });

  it('may be none at all', async () => {
    expect(await shell('echo fine', { FULLSTACKAGENT_ENV_DIR: folder('nowhere') })).toContain('fine');
  });
});

describe('the first shell', () => {
  it('welcomes, once a sandbox start', async () => {
    const first = await shell('true', { PORT: '20007', DATABASE_URL: 'postgresql://somewhere' });
    expect(first).toContain('my-blog');
    expect(first).toContain('$PORT (20007)');
    expect(first).toContain('$DATABASE_URL');
    expect(first).not.toContain('postgresql://somewhere');
    expect(await shell('true')).toBe('');
  });

  it('starts Claude Code where there is a key, once, and says how not to', async () => {
    await installClaude();
    await set('ANTHROPIC_API_KEY', 'key-of-the-project');
    const first = await shell('true');
    expect(first).toContain('claude runs with key-of-the-project');
    expect(first).toContain('put FULLSTACKAGENT_NO_CLAUDE=1 into ~/.bashrc.local');
    expect(await shell('true')).not.toContain('claude runs');
  });

  it.each([
    ['the switch of the project', { FULLSTACKAGENT_AGENT: 'none' }],
    ['a variable', { FULLSTACKAGENT_NO_CLAUDE: '1' }],
  ])('leaves Claude Code to be started by hand where %s says so', async (_name, values) => {
    await installClaude();
    await set('ANTHROPIC_API_KEY', 'key');
    for (const [name, value] of Object.entries(values)) await set(name, value);
    const first = await shell('true');
    expect(first).toContain('is ready');
    expect(first).not.toContain('Claude Code');
    expect(await shell('claude')).toContain('claude runs');
  });

  it('starts Claude Code later, and once, where what it waited for has come', async () => {
    await installClaude();
    expect(await shell('true')).toContain('Claude Code waits for a key or a login');
    expect(await shell('true')).toBe('');
    await set('ANTHROPIC_API_KEY', 'key');
    expect(await shell('true')).toContain('Starting Claude Code');
    expect(await shell('true')).toBe('');
  });

  it('does not start it again where somebody has started it by hand meanwhile', async () => {
    await installClaude();
    expect(await shell('claude')).toContain('claude runs');
    await set('ANTHROPIC_API_KEY', 'key');
    expect(await shell('true')).toBe('');
  });

  it('says where Claude Code is not installed how it gets there, on one machine only', async () => {
    const path = { PATH: withoutClaude() };
    expect(await shell('true', path)).not.toContain('Claude Code');
    await rm(folder('run'), { recursive: true });
    await mkdir(folder('run'));
    const here = { ...path, FULLSTACKAGENT_TOOLS_DIR: folder('tools') };
    expect(await shell('true', here)).toContain('npm run tools -- install');
  });

  it.each([
    ['a gateway', { ANTHROPIC_AUTH_TOKEN: 'key' }],
    ['a subscription', { CLAUDE_CODE_OAUTH_TOKEN: 'key' }],
    ['Bedrock', { CLAUDE_CODE_USE_BEDROCK: '1' }],
    ['Vertex', { CLAUDE_CODE_USE_VERTEX: '1' }],
  ])('starts Claude Code with %s', async (_name, values) => {
    await installClaude();
    for (const [name, value] of Object.entries(values)) await set(name, value);
    expect(await shell('true')).toContain('claude runs');
  });

  it('starts Claude Code where somebody has logged in before, wherever that is kept', async () => {
    await installClaude();
    await mkdir(join(folder('home'), '.claude'));
    const credentials = join(folder('home'), '.claude', '.credentials.json');
    await writeFile(credentials, '');
    expect(await shell('true', { FULLSTACKAGENT_RUN_DIR: folder('home') })).not.toContain('claude runs');
    await writeFile(credentials, '{}');
    expect(await shell('true', { CLAUDE_CONFIG_DIR: folder('env') })).not.toContain('claude runs');
    await rm(folder('run'), { recursive: true });
    await mkdir(folder('run'));
    expect(await shell('true')).toContain('claude runs');
  });

  it.each(['CLAUDE_CODE_USE_BEDROCK', 'CLAUDE_CODE_USE_VERTEX'])('takes 0 in %s for off', async (name) => {
    await installClaude();
    await set(name, '0');
    expect(await shell('true')).not.toContain('claude runs');
  });

  it('starts nothing without a key, or where a person said so', async () => {
    await installClaude();
    expect(await shell('true')).not.toContain('claude runs');
    await rm(folder('run'), { recursive: true });
    await mkdir(folder('run'));
    await set('ANTHROPIC_AUTH_TOKEN', 'key');
    await writeFile(join(folder('home'), '.bashrc.local'), 'FULLSTACKAGENT_NO_CLAUDE=1\n');
    expect(await shell('true')).not.toContain('claude runs');
  });
});

describe('without isolation', () => {
  const consentFile = (): string => folder('consent.json');
  const unconfirmed = (): Record<string, string> => ({ FULLSTACKAGENT_CONSENT_FILE: consentFile() });

  beforeEach(async () => {
    await installClaude();
    await set('ANTHROPIC_API_KEY', 'key');
  });

  it('starts no agent before somebody has said yes, and then in the next new shell', async () => {
    const first = await shell('true', unconfirmed());
    expect(first).toContain('allow it in the portal, or type claude');
    expect(first).not.toContain('claude runs');
    expect(await shell('true', unconfirmed())).toBe('');
    await writeFile(consentFile(), '{}');
    expect(await shell('true', unconfirmed())).toContain('claude runs');
  });

  it('is not talked out of asking by a variable of the project', async () => {
    await set('FULLSTACKAGENT_CONSENT_FILE', '');
    await set('FULLSTACKAGENT_RUN_DIR', folder('home'));
    expect(await shell('true', unconfirmed())).not.toContain('claude runs');
  });

  it.each([
    ['y', true],
    ['yes', true],
    ['n', false],
    ['', false],
  ])('asks whoever types claude: %j', async (answer, runs) => {
    const output = await typed(['claude', answer, 'exit'], unconfirmed());
    expect(output).toContain('Run it this once? [y/N]');
    expect(output.includes('claude runs')).toBe(runs);
  });

  it('takes no answer from where no person is, and asks nobody once it was said', async () => {
    expect(await shell('echo y | claude || echo refused', unconfirmed())).toContain('refused');
    await writeFile(consentFile(), '{}');
    expect(await shell('claude', unconfirmed())).toContain('claude runs');
  });

  it('asks in a shell that was open when the consent was taken back', async () => {
    await writeFile(consentFile(), '{}');
    const line = `rm ${consentFile()}; claude </dev/null || echo refused`;
    const output = await shell(line, unconfirmed());
    expect(output).toContain('refused');
  });
});

describe('every shell', () => {
  it('shows user, project and the workspace by the name people know', async () => {
    await mkdir(folder('work'));
    const line = `cd ${folder('work')} && mkdir -p src && cd src && printf '%s' "\${PS1@P}"`;
    const prompt = await shell(line, { FULLSTACKAGENT_WORKSPACE: folder('work'), USER: 'ignored' });
    expect(prompt).toMatch(/@my-blog/);
    expect(prompt).toMatch(/\/workspace\/src/);
  });

  it('says that the repository could not be cloned, until somebody cloned it beside other files', async () => {
    const workspace = { FULLSTACKAGENT_WORKSPACE: folder('workspace') };
    await mkdir(join(folder('workspace'), 'notes'), { recursive: true });
    await writeFile(join(folder('run'), 'clone-failed'), 'It could not be cloned.');
    expect(await shell('true', workspace)).toContain('It could not be cloned.');
    await mkdir(join(folder('workspace'), 'blog', '.git'), { recursive: true });
    expect(await shell('true', workspace)).not.toContain('It could not be cloned.');
  });

  it('reads ~/.bashrc.local', async () => {
    await writeFile(join(folder('home'), '.bashrc.local'), 'MINE=yes\n');
    expect(await shell('echo "mine=$MINE"')).toContain('mine=yes');
  });

  it('is silent for what is no person: a script, scp', async () => {
    const { stdout } = await run('bash', ['-c', `. ${bashrc}; echo "opts=$-"`], {
      env: { HOME: folder('home'), PATH: searchPath() },
    });
    expect(stdout).toMatch(/^opts=/);
  });
});
