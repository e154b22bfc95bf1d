import { terminalCloseCodes } from '@fullstackagent/controller/contract/terminal';
import { backoffDelay } from './backoff.js';
import { FlowControl } from './flow-control.js';
import {
  decodeServer,
  encodeHello,
  encodeInput,
  encodePause,
  encodeResize,
  encodeResume,
  type Size,
  SUBPROTOCOL,
} from './protocol.js';

/**
 * `ended`: the shell itself ended, a new one starts on request. `refused`: trying again will not help.
 * `waiting`: lost; tries again in `retryIn` seconds.
 */
export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'waiting' | 'ended' | 'refused';

/** Where the output goes. `write` calls back when it is drawn. */
export interface Screen {
  readonly size: () => Size;
  readonly write: (data: Uint8Array, drawn: () => void) => void;
  readonly title: (title: string) => void;
  /** What is shown comes again from the start: the session's server sends what it remembers to whoever attaches. */
  readonly reset: () => void;
  /** Of a shared terminal: the size that its owner has. */
  readonly follow?: (size: Size) => void;
}

export interface ConnectionOptions {
  /**
   * Browsers do not say why a WebSocket was refused: this asks in another way. The sentence for the person where trying
   * again will not help.
   */
  readonly whyRefused: () => Promise<string | undefined>;
  /** Guests of a shared terminal: what is left out is never sent. The platform drops it as well. */
  readonly sends?: { readonly input: boolean; readonly size: boolean };
}

const ENDED: readonly number[] = [1000, terminalCloseCodes.shellFailed];
const REFUSED: readonly number[] = [terminalCloseCodes.notAllowed, terminalCloseCodes.badOpening];
/** What a browser makes of every refusal before the handshake, and of a connection that broke. */
const NO_WORD = 1006;
/** A server that lets a connection stand this long without a word has accepted it: a quiet shell says nothing. */
const QUIET_MS = 1_500;

/** One terminal session's WebSocket, with its visible state. Sessions outlive it: reconnecting finds the same shell. */
export class TerminalConnection {
  state = $state<ConnectionState>('idle');
  /** Seconds until the next try, while `waiting`. */
  retryIn = $state(0);
  /** The platform's sentence about why, where it gave one. */
  reason = $state('');
  /** Counts connections that broke before anything came back for what was typed last: it may be lost, and that is said. */
  unanswered = $state(0);
  #socket: WebSocket | undefined;
  #answered = true;
  #replayed = false;
  #attempt = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #url: string;
  readonly #screen: Screen;
  readonly #options: ConnectionOptions;
  readonly #flow = new FlowControl({
    pause: () => this.#send(encodePause()),
    resume: () => this.#send(encodeResume()),
  });

  constructor(url: string, screen: Screen, options: ConnectionOptions) {
    this.#url = url;
    this.#screen = screen;
    this.#options = options;
  }

  /** Opens it, or tries again at once. */
  open(): void {
    this.#stopWaiting();
    this.#drop();
    this.#replayed ||= this.state === 'waiting' || this.state === 'refused';
    this.state = 'connecting';
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.addEventListener('open', () => {
      socket.send(encodeHello(this.#screen.size()));
      setTimeout(() => {
        if (this.#socket === socket && socket.readyState === WebSocket.OPEN) this.#connected();
      }, QUIET_MS);
    });
    socket.addEventListener('message', (event: MessageEvent<ArrayBuffer | string>) => {
      if (typeof event.data !== 'string') this.#read(new Uint8Array(event.data));
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      void this.#closed(code, reason);
    });
  }

  /** Ends it on purpose; the session in the sandbox goes on. */
  close(): void {
    this.#stopWaiting();
    this.#drop();
    this.state = 'idle';
    this.#attempt = 0;
  }

  /** @returns false where it is not connected: nothing is kept back to surprise a person later. */
  input(data: string, binary = false): boolean {
    if (this.state !== 'connected' || this.#options.sends?.input === false) return false;
    this.#answered = false;
    this.unanswered = 0;
    for (const frame of encodeInput(data, binary)) this.#send(frame);
    return true;
  }

  resize(size: Size): void {
    if (this.state === 'connected' && this.#options.sends?.size !== false) this.#send(encodeResize(size));
  }

  /** "Now", and when the browser is online again. */
  retryNow(): void {
    if (this.state === 'waiting') this.open();
  }

  #read(bytes: Uint8Array): void {
    // A server that speaks is one that accepted the greeting: only then it counts as connected.
    this.#connected();
    this.#answered = true;
    const message = decodeServer(bytes);
    if (message.type === 'title') this.#screen.title(message.title);
    if (message.type === 'size') this.#screen.follow?.(message.size);
    if (message.type !== 'output') return;
    if (this.#replayed) this.#screen.reset();
    this.#replayed = false;
    const { length } = message.data;
    this.#flow.received(length);
    this.#screen.write(message.data, () => this.#flow.drawn(length));
  }

  #connected(): void {
    if (this.state === 'connected') return;
    this.state = 'connected';
    this.reason = '';
    this.#attempt = 0;
    this.#flow.reconnected();
    this.resize(this.#screen.size());
  }

  async #closed(code: number, reason: string): Promise<void> {
    const wasOpen = this.state === 'connected';
    this.reason = code === ENDED[0] ? '' : reason;
    if (ENDED.includes(code)) this.state = 'ended';
    else if (REFUSED.includes(code)) this.state = 'refused';
    else this.#wait();
    if (this.state !== 'ended' && !this.#answered) this.unanswered += 1;
    this.#answered = true;
    if (code === NO_WORD && !wasOpen) await this.#askWhy();
  }

  async #askWhy(): Promise<void> {
    const sentence = await this.#options.whyRefused();
    if (sentence === undefined || this.state !== 'waiting') return;
    this.#stopWaiting();
    this.reason = sentence;
    this.state = 'refused';
  }

  #wait(): void {
    this.state = 'waiting';
    const at = Date.now() + backoffDelay(this.#attempt, Math.random());
    this.#attempt += 1;
    const tick = (): void => {
      const left = at - Date.now();
      this.retryIn = Math.max(0, Math.ceil(left / 1000));
      if (left <= 0) this.open();
    };
    this.#timer = setInterval(tick, 100);
    tick();
  }

  #stopWaiting(): void {
    clearInterval(this.#timer);
    this.retryIn = 0;
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #send(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(bytes);
  }
}
