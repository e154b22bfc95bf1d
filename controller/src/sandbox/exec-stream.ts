import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import { at, list, text } from '../shared/json.js';

/** Kubernetes' exec over a WebSocket; version 5 is the first that can say that the input has ended. */
export const EXEC_PROTOCOL = 'v5.channel.k8s.io';

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const CLOSE = 255;

/** A program's complaints are for the log and for one sentence. */
const STDERR_LIMIT_BYTES = 16 * 1024;
const OUTPUT_HIGH_WATER_BYTES = 1024 * 1024;
/** Larger frames are refused by some API servers. */
const INPUT_FRAME_BYTES = 64 * 1024;

export interface ExecEnd {
  readonly exitCode: number;
  /** What it complained, shortened. */
  readonly complaint: string;
}

/** A program that runs in a sandbox. */
export interface SandboxProgram {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Rejects with CLUSTER_UNREACHABLE where the connection ended before the program. */
  readonly ended: Promise<ExecEnd>;
  abort(): void;
}

/** What runs programs in sandboxes. Throws NOT_READY where one does not run. */
export interface Runner {
  run(key: ProjectKey, command: readonly string[]): Promise<SandboxProgram>;
}

/** Takes an open, paused connection. Whoever reads slowly slows the program, not this process's memory. */
export function execStream(socket: WebSocket): SandboxProgram {
  const complaints: Buffer[] = [];
  let complained = 0;
  let end: ExecEnd | undefined;
  const stdout = new Readable({
    highWaterMark: OUTPUT_HIGH_WATER_BYTES,
    read: () => {
      socket.resume();
    },
  });
  socket.on('message', (data: Buffer) => {
    const [channel] = data;
    const content = data.subarray(1);
    if (channel === STDOUT && content.length > 0 && !stdout.push(content)) socket.pause();
    if (channel === STDERR && complained < STDERR_LIMIT_BYTES) {
      complaints.push(content);
      complained += content.length;
    }
    if (channel === ERROR) end = { exitCode: exitCodeOf(content), complaint: textOf(complaints) };
  });
  socket.on('error', () => socket.terminate());
  const ended = new Promise<ExecEnd>((resolve, reject) => {
    socket.once('close', () => {
      if (end === undefined) {
        const lost = new AppError('CLUSTER_UNREACHABLE', 'The connection to the sandbox was lost.');
        stdout.destroy(lost);
        reject(lost);
        return;
      }
      stdout.push(null);
      resolve(end);
    });
  });
  // Whoever reads the output is told there; nobody has to wait for the end as well.
  ended.catch(() => undefined);
  socket.resume();
  return {
    stdin: inputOf(socket),
    stdout,
    ended,
    abort: () => {
      socket.terminate();
    },
  };
}

function inputOf(socket: WebSocket): Writable {
  const send = (frame: Buffer, done: (error?: Error | null) => void): void => {
    if (socket.readyState === socket.OPEN) socket.send(frame, done);
    else done(new AppError('CLUSTER_UNREACHABLE', 'The connection to the sandbox was lost.'));
  };
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const frames = Math.ceil(chunk.length / INPUT_FRAME_BYTES);
      for (let index = 0; index < frames; index++) {
        const part = chunk.subarray(index * INPUT_FRAME_BYTES, (index + 1) * INPUT_FRAME_BYTES);
        send(Buffer.concat([Buffer.of(STDIN), part]), index === frames - 1 ? done : () => undefined);
      }
      if (frames === 0) done();
    },
    final(done) {
      send(Buffer.of(CLOSE, STDIN), done);
    },
  });
}

const textOf = (chunks: readonly Buffer[]): string =>
  Buffer.concat(chunks).subarray(0, STDERR_LIMIT_BYTES).toString('utf8').trim();

function exitCodeOf(status: Buffer): number {
  try {
    const parsed: unknown = JSON.parse(status.toString('utf8'));
    if (text(parsed, 'status') === 'Success') return 0;
    const cause = list(parsed, 'details', 'causes').find((one) => at(one, 'reason') === 'ExitCode');
    const code = Number(text(cause, 'message'));
    return Number.isInteger(code) && code > 0 ? code : 1;
  } catch {
    return 1;
  }
}
