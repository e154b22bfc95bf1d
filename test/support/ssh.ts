import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { removeFolder, temporaryFolder } from './folders.js';
import { until } from './until.js';

const run = promisify(execFile);
const LIMIT_BYTES = 256 * 1024 * 1024;

/** A person's own computer, as far as its home folder goes: stock OpenSSH, told of its configuration by name. */
export class Computer {
  readonly home = temporaryFolder('computer');
  readonly #children: ChildProcess[] = [];

  get config(): string {
    return join(this.home, '.ssh', 'config');
  }

  get #env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.home };
  }

  /** A command that was copied, in a shell. */
  async paste(command: string): Promise<string> {
    const { stdout, stderr } = await run('bash', ['-c', command], { env: this.#env });
    return stdout + stderr;
  }

  /** What `ssh`, `scp`, `sftp` or `rsync` says. Rejects where it fails, with all that it said. */
  async run(program: string, ...words: readonly string[]): Promise<string> {
    const ssh = ['-F', this.config];
    const settings = program === 'rsync' ? ['-e', `ssh ${ssh.join(' ')}`] : ssh;
    const options = { env: this.#env, maxBuffer: LIMIT_BYTES };
    return (await run(program, [...settings, ...words], options)).stdout;
  }

  ssh(...words: readonly string[]): Promise<string> {
    return this.run('ssh', '-o', 'BatchMode=yes', ...words);
  }

  /** Why `ssh` did not connect. */
  async refusal(...words: readonly string[]): Promise<string> {
    try {
      await this.ssh(...words);
    } catch (error) {
      return String((error as { stderr?: unknown }).stderr);
    }
    throw new Error('it connected');
  }

  /** `ssh` with something on its standard input. */
  piped(input: string, ...words: readonly string[]): string {
    return execFileSync('ssh', ['-F', this.config, ...words], { env: this.#env, input, encoding: 'utf8' });
  }

  /** An `ssh` that stays. */
  hold(...words: readonly string[]): HeldSsh {
    const child = spawn('ssh', ['-F', this.config, ...words], { env: this.#env });
    this.#children.push(child);
    return new HeldSsh(child);
  }

  /** Of the one portal that it was set up for. */
  get folder(): string {
    const below = join(this.home, '.ssh', 'fullstackagent');
    const [name] = readdirSync(below).filter((each) => existsSync(join(below, each, 'portal.json')));
    return join(below, name ?? '');
  }

  get token(): string {
    return readFileSync(join(this.folder, 'token'), 'utf8').trim();
  }

  set token(token: string) {
    writeFileSync(join(this.folder, 'token'), `${token}\n`);
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    removeFolder(this.home);
  }
}

export class HeldSsh {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  #said = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  get said(): string {
    return this.#said;
  }

  async waitFor(text: string): Promise<void> {
    await until(`ssh to say ${JSON.stringify(text)}`, () => {
      if (this.#said.includes(text)) return true;
      throw new Error(this.#said);
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
