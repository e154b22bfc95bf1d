import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface GitOutcome {
  readonly code: number | null;
  readonly output: string;
  /** What git shows its user, without the padding of `remote:` lines. */
  readonly shown: string;
}

const ENVIRONMENT = {
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** A stock git in a folder of its own, with headers that say who it is. */
export class GitClient {
  constructor(
    readonly folder: string,
    private readonly headers: () => Promise<readonly string[]>,
  ) {}

  async git(...args: readonly string[]): Promise<GitOutcome> {
    const settings = [
      ['user.name', 'Hand'],
      ['user.email', 'hand@example.com'],
      ...(await this.headers()).map((header) => ['http.extraHeader', header]),
    ];
    const entries = settings.flatMap(([key = '', value = ''], index) => [
      [`GIT_CONFIG_KEY_${index}`, key],
      [`GIT_CONFIG_VALUE_${index}`, value],
    ]);
    const env = {
      // eslint-disable-next-line no-restricted-syntax -- git is found as it is by whoever runs the tests
      PATH: process.env['PATH'],
      ...ENVIRONMENT,
      ...(Object.fromEntries(entries) as Record<string, string>),
      GIT_CONFIG_COUNT: String(settings.length),
    };
    const child = spawn('git', ['-C', this.folder, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [output, shown] = ['', ''];
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (shown += String(chunk)));
    return new Promise((resolve) => {
      child.once('close', (code) => {
        resolve({ code, output: output.trim(), shown: shown.replaceAll(/ +$/gm, '') });
      });
    });
  }

  /** Throws where git does not end well. */
  async must(...args: readonly string[]): Promise<string> {
    const { code, output, shown } = await this.git(...args);
    if (code !== 0) throw new Error(`git ${args.join(' ')}: ${shown}`);
    return output;
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), 'utf8');
  }

  /** One commit that changes one file; null removes it. Answers the commit. */
  async commit(path: string, edit: (before: string) => string | Buffer | null): Promise<string> {
    const file = join(this.folder, path);
    const after = edit(await readFile(file, 'utf8').catch(() => ''));
    await mkdir(dirname(file), { recursive: true });
    if (after === null) await rm(file);
    else await writeFile(file, after);
    await this.must('add', '--all', '.');
    await this.must('commit', '--quiet', '--message', `Change ${path}`);
    return this.must('rev-parse', 'HEAD');
  }

  push(...more: readonly string[]): Promise<GitOutcome> {
    return this.git('push', ...more, 'origin', 'HEAD:refs/for/main');
  }
}
