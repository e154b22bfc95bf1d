import { spawn } from 'node:child_process';
import type { ProbeHttpAnswer } from './http-get.js';
import { httpGet } from './http-get.js';
import type { Check, HttpCheck } from './spec.js';

/** How a container is reached from here. `host` in a manifest is not asked for: probes stay with their container. */
export interface Reach {
  /** Whether somebody listens at a container port. */
  readonly listens: (port: number) => Promise<boolean>;
  /** Port of this machine's loopback where a container port answers. */
  readonly portOf: (port: number) => number;
  /** What has to be started on this machine for a program to run in the container. */
  readonly program: (command: readonly string[]) => Program;
}

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** `unknown`: it could not be asked, which speaks neither for the container nor against it. */
export interface Outcome {
  readonly result: 'success' | 'failure' | 'unknown';
  /** Why, in the kubelet's words where it has any. */
  readonly message: string;
}

const SUCCESS: Outcome = { result: 'success', message: '' };
const failure = (message: string): Outcome => ({ result: 'failure', message });
const NO_PORT: Outcome = { result: 'unknown', message: 'the container declares no such port' };
const SHOWN_BYTES = 1024;

/** Asks once. */
export function attempt(check: Check, reach: Reach, timeoutMs: number): Promise<Outcome> {
  if (check.type === 'exec') return byExec(reach.program(check.command), timeoutMs);
  if (check.port === undefined) return Promise.resolve(NO_PORT);
  return check.type === 'tcp'
    ? byConnecting(check.port, reach, timeoutMs)
    : byHttp(check, reach.portOf(check.port), timeoutMs);
}

async function byConnecting(port: number, reach: Reach, timeoutMs: number): Promise<Outcome> {
  const address = `dial tcp 127.0.0.1:${port}`;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeoutMs);
  });
  const answer = await Promise.race([reach.listens(port), late]).finally(() => clearTimeout(timer));
  if (answer === 'late') return failure(`${address}: i/o timeout`);
  return answer ? SUCCESS : failure(`${address}: connect: connection refused`);
}

async function byHttp(check: HttpCheck, port: number, timeoutMs: number): Promise<Outcome> {
  let answer: ProbeHttpAnswer;
  try {
    answer = await httpGet({ ...check, port }, AbortSignal.timeout(timeoutMs));
  } catch (error) {
    const said =
      error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : wordsOf(error);
    return failure(`Get "${check.scheme}://127.0.0.1:${String(check.port)}${check.path}": ${said}`);
  }
  return answer.status >= 200 && answer.status < 400
    ? SUCCESS
    : failure(`HTTP probe failed with statuscode: ${answer.status}`);
}

function byExec(program: Program, timeoutMs: number): Promise<Outcome> {
  const { file, args, cwd, env } = program;
  return new Promise((resolve) => {
    // A group of its own: what it starts ends with it.
    const child = spawn(file, [...args], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = Buffer.alloc(0);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      endGroup(child.pid);
      // Who left the group and holds the pipes is not waited for.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        if (said.length < SHOWN_BYTES) said = Buffer.concat([said, chunk]).subarray(0, SHOWN_BYTES);
      });
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ result: 'unknown', message: wordsOf(error) });
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      endGroup(child.pid);
      setImmediate(() => {
        if (late) resolve(failure(`command timed out after ${timeoutMs / 1000}s`));
        else resolve(code === 0 ? SUCCESS : failure(said.toString('utf8').trim()));
      });
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
