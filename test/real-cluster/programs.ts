import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Programs that run until a test has ended, each with a log of its own in one folder. */
export class Programs {
  readonly #children: ChildProcess[] = [];
  readonly #logs = new Set<string>();

  constructor(private readonly folder: string) {}

  start(program: string, args: readonly string[], { env = process.env, cwd }: ProgramOptions = {}): void {
    const path = join(this.folder, `${basename(program)}.log`);
    this.#logs.add(path);
    const log = openSync(path, 'a');
    this.#children.push(
      spawn(program, args, { stdio: ['ignore', log, log], env, ...(cwd === undefined ? {} : { cwd }) }),
    );
    closeSync(log);
  }

  /** The last one that was started. */
  async endLast(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#children.pop();
    if (child !== undefined) await end(child, signal);
  }

  /** The last ones first: they need those before them. */
  async end(): Promise<void> {
    while (this.#children.length > 0) await this.endLast();
  }

  /** The end of what each has logged, for the message of a test that fails. */
  log(): string {
    return [...this.#logs]
      .map((path) => `${basename(path)}:\n${readFileSync(path, 'utf8').slice(-4000)}`)
      .join('\n');
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}
