import { WebSocket } from 'ws';
import type { Api } from './api.js';
import { until } from './until.js';

const INPUT = '0';
const OUTPUT = 0x30;

// eslint-disable-next-line no-control-regex -- escape sequences are what is taken out
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[()][A-Z0-9]|[=>])/g;

/** A shell of a sandbox, through the portal's public WebSocket, speaking ttyd's protocol. */
export class Terminal {
  readonly #socket: WebSocket;
  readonly #decoder = new TextDecoder();
  #text = '';
  #commands = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      if (data[0] === OUTPUT) this.#text += this.#decoder.decode(data.subarray(1), { stream: true });
    });
  }

  static async open(api: Api, project: string, session: string): Promise<Terminal> {
    const url = `${api.base.replace(/^http/, 'ws')}/api/projects/${project}/terminal?session=${session}`;
    return Terminal.connect(url, { cookie: api.cookie, origin: api.base });
  }

  /** At whichever address speaks ttyd's protocol. */
  static async connect(url: string, headers: Readonly<Record<string, string>>): Promise<Terminal> {
    const socket = new WebSocket(url, ['tty'], { headers });
    const terminal = new Terminal(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => {
        resolve();
      });
    });
    socket.on('error', () => undefined);
    socket.send(Buffer.from(JSON.stringify({ AuthToken: '', columns: 200, rows: 50 })));
    return terminal;
  }

  /** Everything that was printed, without colours and cursor movements. */
  get text(): string {
    return this.#text.replace(ESCAPES, '');
  }

  get open(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  type(text: string): void {
    this.#socket.send(Buffer.from(INPUT + text));
  }

  /**
   * Runs one command line and returns what it printed. The end mark is put together by the shell, so that the echo of
   * the typed line is not taken for it.
   */
  async run(command: string, deadline = 30_000, every = 100): Promise<string> {
    this.#commands += 1;
    const mark = `${String(this.#commands)}-${process.pid}`;
    const from = this.#text.length;
    this.type(` echo BEGIN'-'${mark}; ${command}; echo END'-'${mark}\r`);
    const between = new RegExp(`BEGIN-${mark}\\r?\\n([\\s\\S]*?)END-${mark}`);
    const found = await until(
      `"${command}" to end`,
      () => {
        const match = between.exec(this.#text.slice(from).replace(ESCAPES, ''));
        if (match === null) throw new Error(this.text.slice(-500));
        return match;
      },
      { deadline, every },
    );
    return (found[1] ?? '').replaceAll('\r\n', '\n').trimEnd();
  }

  /** The value of a variable in this shell, byte for byte. */
  async variable(name: string): Promise<string> {
    const encoded = await this.run(`printf %s "$${name}" | base64 -w 0; echo`);
    return Buffer.from(encoded.replace(/\s/g, ''), 'base64').toString('utf8');
  }

  close(): void {
    this.#socket.close();
  }
}
