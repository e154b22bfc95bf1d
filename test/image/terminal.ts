import { WebSocket } from 'ws';
import { until } from '../support/until.js';
import { TOKEN, type Sandbox } from './sandbox.js';

export const basic = (token = TOKEN): string => `Basic ${Buffer.from(`user:${token}`).toString('base64')}`;

/** Somebody at a terminal of the sandbox, over ttyd's protocol. */
export class Terminal {
  output = '';
  readonly closed: Promise<number>;

  private constructor(private readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => {
      socket.on('close', (code) => {
        resolve(code);
      });
    });
    socket.on('message', (data: Buffer) => {
      if (data[0] === 0x30) this.output += data.subarray(1).toString('utf8');
    });
  }

  /** `query` is what stands behind `/ws?`, as somebody may write it. */
  static async open(sandbox: Sandbox, query: string): Promise<Terminal> {
    const socket = new WebSocket(`ws://127.0.0.1:${sandbox.port}/ws?${query}`, ['tty'], {
      headers: { Authorization: basic() },
    });
    const terminal = new Terminal(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    socket.send(JSON.stringify({ AuthToken: '', columns: 100, rows: 30 }));
    return terminal;
  }

  /** A shell that has shown its prompt. */
  static async shell(sandbox: Sandbox, session: string): Promise<Terminal> {
    const terminal = await Terminal.open(sandbox, `arg=${session}`);
    await terminal.sees(/@my-blog/);
    return terminal;
  }

  type(text: string): void {
    this.socket.send(`0${text}`);
  }

  async sees(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`the terminal shows ${String(pattern)}`, () => pattern.exec(this.output) ?? undefined, {
      deadline: 20_000,
      every: 20,
    });
  }

  /**
   * Runs a line and returns what it printed. The two halves of the marks are put together by the shell, so that the
   * echo of what was typed is not taken for it.
   */
  async ask(line: string): Promise<string> {
    const from = this.output.length;
    this.type(`{ ${line}; } >/tmp/asked 2>&1; echo "ans""wered:"$(base64 -w 0 /tmp/asked)":e""nd"\r`);
    const found = await until(
      `an answer to ${line}`,
      () => /answered:([A-Za-z0-9+/=\s]*):end/.exec(plain(this.output.slice(from))) ?? undefined,
      { deadline: 20_000, every: 20 },
    );
    return Buffer.from((found[1] ?? '').replace(/\s/g, ''), 'base64')
      .toString('utf8')
      .trimEnd();
  }

  /** As a lost network does: no closing frame. */
  cut(): void {
    this.socket.terminate();
  }
}

/** Without what a terminal does not show as text: sequences of tmux and of the prompt. */
export const plain = (text: string): string =>
  // eslint-disable-next-line no-control-regex -- it is about control characters
  text.replace(/\u001b(?:\[[0-9;?>]*[A-Za-z]|\][^\u0007]*\u0007|[()][A-Z0-9]|[=>])/g, '');
