import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOKEN_KEY } from './controller-for-tests.js';
import { freePort } from './postgres-for-tests.js';

const webui = join(import.meta.dirname, '..', '..', '..', '..');

/** The tests of the whole process need `vite build`; `npm test` runs it first. */
export const isBuilt = (): boolean => existsSync(join(webui, 'build', 'handler.js'));

export interface PortalOptions {
  readonly databaseUrl: string;
  readonly controllerUrl: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `webui/server.js` as a process of its own. */
export class PortalForTests {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<number | null>;
  #output = '';
  #ready = false;

  private constructor(child: ChildProcess, place: { origin: string; folder: string }) {
    this.#child = child;
    this.#folder = place.folder;
    this.origin = place.origin;
    child.stdout?.on('data', (chunk) => (this.#output += String(chunk)));
    child.stderr?.on('data', (chunk) => (this.#output += String(chunk)));
    child.on('message', () => (this.#ready = true));
    this.#exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  static async start(options: PortalOptions): Promise<PortalForTests> {
    const folder = await mkdtemp(join(tmpdir(), 'fsa-portal-key-'));
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, TOKEN_KEY.toString('hex'));
    const port = await freePort();
    const origin = `http://localhost:${port}`;
    const child = fork(join(webui, 'server.js'), [], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        HOST: '127.0.0.1',
        PORT: String(port),
        ORIGIN: origin,
        DATABASE_URL: options.databaseUrl,
        CONTROLLER_URL: options.controllerUrl,
        CONTROLLER_TOKEN_KEY_FILE: keyFile,
        ...options.env,
      },
    });
    return new PortalForTests(child, { origin, folder });
  }

  /** Where the process listens, whatever ORIGIN says. */
  get address(): string {
    return `http://127.0.0.1:${new URL(this.origin).port}`;
  }

  get output(): string {
    return this.#output;
  }

  get ready(): boolean {
    return this.#ready;
  }

  get exit(): Promise<number | null> {
    return this.#exit;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** As when the supervisor dies: the channel breaks. */
  disconnect(): void {
    this.#child.disconnect();
  }

  async remove(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A person at a browser or a program: keeps cookies, sends the portal's origin unless told otherwise. */
export class Visitor {
  readonly #portal: PortalForTests;
  cookie = '';

  constructor(portal: PortalForTests) {
    this.#portal = portal;
  }

  async send(
    method: string,
    path: string,
    options: { body?: unknown; text?: string; headers?: Record<string, string | undefined> } = {},
  ): Promise<{ status: number; headers: Headers; text: string; json: Record<string, unknown> }> {
    const text = options.body === undefined ? options.text : JSON.stringify(options.body);
    const headers = this.#headers(text !== undefined, options.headers);
    const response = await fetch(`${this.#portal.origin}${path}`, {
      method,
      headers,
      redirect: 'manual',
      ...(text === undefined ? {} : { body: text }),
    });
    for (const set of response.headers.getSetCookie()) this.cookie = set.split(';')[0] ?? '';
    const answer = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text: answer,
      json: isJson ? (JSON.parse(answer) as Record<string, unknown>) : {},
    };
  }

  #headers(hasBody: boolean, given: Record<string, string | undefined> = {}): Headers {
    const wanted: Record<string, string | undefined> = {
      origin: this.#portal.origin,
      cookie: this.cookie,
      'content-type': hasBody ? 'application/json' : undefined,
      ...given,
    };
    const headers = new Headers();
    for (const [name, value] of Object.entries(wanted))
      if (value !== undefined && value !== '') headers.set(name, value);
    return headers;
  }
}
