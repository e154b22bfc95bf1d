import type { Readable, Writable } from 'node:stream';

/** A program that somebody outside wants to run in a pod. */
export interface ExecRequest {
  readonly command: readonly string[];
  /** With a terminal of its own: one stream of output, and a size. */
  readonly tty: boolean;
}

export interface ExecEnd {
  /** 128 + n for a program that signal n ended, as shells have it. */
  readonly exitCode: number;
}

/** It runs. With a terminal `stderr` is absent: everything comes through `stdout`. */
export interface ExecProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr?: Readable;
  readonly ended: Promise<ExecEnd>;
  resize(size: { readonly columns: number; readonly rows: number }): void;
  /** Nobody is there any more who could read what it says. */
  hangUp(): void;
}

/** Thrown where the program cannot be started: 127 not found, 126 not executable. */
export class ExecError extends Error {
  override readonly name = 'ExecError';

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
