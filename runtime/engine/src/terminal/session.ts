import type { IPty } from '@lydell/node-pty';
import { PtyInput } from './input.js';
import { Scrollback, withoutQueries } from './scrollback.js';
import type { Size } from './protocol.js';

/** Somebody who looks at a session. */
export interface Viewer {
  /** Answers false when the viewer has more than it can take: the program has to wait. */
  send(data: Buffer): boolean;
  ended(exitCode: number): void;
}

/** After something went out, what the pty prints within this time goes out together: a flood is a few large frames. */
const GATHER_MS = 4;
const GATHER_MAX = 64 * 1024;

/** One shell, and everybody who is attached to it. It lives on when the last of them leaves. */
export class Session {
  readonly #viewers = new Set<Viewer>();
  readonly #held = new Set<Viewer>();
  readonly #scrollback = new Scrollback();
  readonly #input: PtyInput;
  #gathered: Buffer[] = [];
  #gatheredSize = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly pty: IPty,
    onExit: () => void,
  ) {
    this.#input = new PtyInput(pty);
    pty.onData((data) => {
      this.#gather(Buffer.from(data as unknown as Uint8Array));
    });
    pty.onExit(({ exitCode }) => {
      this.#flush();
      onExit();
      for (const viewer of [...this.#viewers]) viewer.ended(exitCode);
    });
  }

  get pid(): number {
    return this.pty.pid;
  }

  attach(viewer: Viewer, size: Size | undefined): void {
    this.#flush();
    const before = withoutQueries(this.#scrollback.content());
    if (before.length > 0) viewer.send(before);
    this.#viewers.add(viewer);
    if (size !== undefined) this.resize(size);
  }

  detach(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    this.release(viewer);
  }

  /** Answers false when the program has more to read than it should: whoever types has to wait for `takesInput`. */
  write(data: Buffer): boolean {
    return this.#input.write(data);
  }

  takesInput(): boolean {
    return this.#input.hasRoom();
  }

  /** The size of whoever asked last: a terminal has only one. */
  resize({ columns, rows }: Size): void {
    try {
      this.pty.resize(columns, rows);
    } catch {
      // The shell has just ended; its exit is on the way.
    }
  }

  /** The program waits until this viewer is released: its output would only pile up. */
  hold(viewer: Viewer): void {
    if (!this.#viewers.has(viewer)) return;
    if (this.#held.size === 0) this.pty.pause();
    this.#held.add(viewer);
  }

  release(viewer: Viewer): void {
    if (this.#held.delete(viewer) && this.#held.size === 0) this.pty.resume();
  }

  hangUp(): void {
    try {
      this.pty.kill('SIGHUP');
    } catch {
      // Gone already.
    }
  }

  /** What comes after a silence, such as the echo of a key, waits for nothing. */
  #gather(chunk: Buffer): void {
    this.#gathered.push(chunk);
    this.#gatheredSize += chunk.length;
    if (this.#timer === undefined || this.#gatheredSize >= GATHER_MAX) this.#flush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gatheredSize === 0) return;
    const data = Buffer.concat(this.#gathered);
    this.#gathered = [];
    this.#gatheredSize = 0;
    this.#timer = setTimeout(() => {
      this.#flush();
    }, GATHER_MS);
    this.#scrollback.push(data);
    for (const viewer of [...this.#viewers]) if (!viewer.send(data)) this.hold(viewer);
  }
}
