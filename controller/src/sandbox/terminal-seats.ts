import { WebSocket, type RawData } from 'ws';
import type { ShareAccess } from '../contract/share.js';
import { SIZE_MESSAGE, terminalCloseCodes } from '../contract/terminal.js';
import { bytesOf, INPUT, PAUSE, RESUME, sizeIn, sizeMessage, type Size } from './terminal-frames.js';
import type { TerminalSizes } from './terminal-sizes.js';

/** Above the first a sender is paused, below the second it goes on. */
const HIGH_WATER_BYTES = 1024 * 1024;
const LOW_WATER_BYTES = 256 * 1024;
/** What may wait for a guest: then it has to begin anew, and nobody waited for it. */
const GUEST_LIMIT_BYTES = 4 * 1024 * 1024;

export interface Ends {
  readonly client: WebSocket;
  readonly sandbox: WebSocket;
}

/** How somebody sits at a terminal: what of theirs reaches it, and what they see of it. */
export interface Seat {
  /** The size to open with, where one is known. `asked` is the client's own. */
  readonly opening: (asked: Size) => Size | undefined;
  /** Joins both, once the client has said its first word. Answers what ends it. */
  readonly join: (ends: Ends) => () => void;
}

/** The person's own terminal: everything goes both ways, and its size is theirs. */
export function ownSeat(terminal: string, sizes: TerminalSizes): Seat {
  return {
    opening: (asked) => {
      sizes.set(terminal, asked);
      return asked;
    },
    join: ({ client, sandbox }) => {
      pump(client, sandbox, (message) => {
        const size = sizeIn(message);
        if (size !== undefined) sizes.set(terminal, size);
      });
      pump(sandbox, client);
      return () => undefined;
    },
  };
}

/** Passes messages on as they are; a receiver that does not keep up stops the sender, not the process's memory. */
function pump(from: WebSocket, to: WebSocket, look?: (message: Buffer) => void): void {
  from.on('message', (data: RawData, isBinary: boolean) => {
    if (to.readyState !== WebSocket.OPEN) return;
    const message = bytesOf(data);
    look?.(message);
    to.send(message, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < LOW_WATER_BYTES) from.resume();
    });
    if (to.bufferedAmount > HIGH_WATER_BYTES) from.pause();
  });
}

/**
 * Somebody with whom a terminal is shared. Decided here and not in a page: a guest who may look cannot type, none can
 * resize the terminal, and none can make its program wait, however slowly they read.
 */
export function guestSeat(terminal: string, options: { sizes: TerminalSizes; access: ShareAccess }): Seat {
  const { sizes, access } = options;
  return {
    opening: () => sizes.get(terminal),
    join: ({ client, sandbox }) => {
      const shown = new GuestOutput(client);
      const follow = (size: Size): void => {
        shown.write(sizeMessage(SIZE_MESSAGE, size));
        // For ttyd every connection has a size of its own, and tmux one for all of them.
        if (sandbox.readyState === WebSocket.OPEN) sandbox.send(sizeMessage('1', size), { binary: true });
      };
      const known = sizes.get(terminal);
      if (known !== undefined) shown.write(sizeMessage(SIZE_MESSAGE, known));
      sandbox.on('message', (data: RawData) => {
        shown.write(bytesOf(data));
      });
      client.on('message', (data: RawData) => {
        const message = bytesOf(data);
        const [command] = message;
        if (command === PAUSE) shown.pause();
        else if (command === RESUME) shown.resume();
        else if (command === INPUT && access === 'write') typeInto(sandbox, { message, client });
      });
      return sizes.follow(terminal, follow);
    },
  };
}

function typeInto(sandbox: WebSocket, { message, client }: { message: Buffer; client: WebSocket }): void {
  if (sandbox.readyState !== WebSocket.OPEN) return;
  sandbox.send(message, { binary: true }, () => {
    if (client.isPaused && sandbox.bufferedAmount < LOW_WATER_BYTES) client.resume();
  });
  if (sandbox.bufferedAmount > HIGH_WATER_BYTES) client.pause();
}

/** What is on its way to a guest. The sandbox never waits for it: a guest who falls too far behind is cut off. */
class GuestOutput {
  readonly #client: WebSocket;
  #waiting: Buffer[] = [];
  #size = 0;
  #paused = false;

  constructor(client: WebSocket) {
    this.#client = client;
  }

  write(message: Buffer): void {
    if (this.#client.readyState !== WebSocket.OPEN) return;
    if (!this.#paused) this.#client.send(message, { binary: true });
    else {
      this.#waiting.push(message);
      this.#size += message.length;
    }
    if (this.#size > GUEST_LIMIT_BYTES) {
      this.#waiting = [];
      this.#client.close(terminalCloseCodes.lost, 'This screen fell behind. It begins anew.');
    } else if (this.#client.bufferedAmount > GUEST_LIMIT_BYTES) this.#client.terminate();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#size = 0;
    for (const message of waiting) this.write(message);
  }
}
