import type { StatusEvent } from '@fullstackagent/controller/contract';
import pg from 'pg';
import type { Api } from '../support/api.js';
import { Terminal } from '../support/terminal.js';

/** Follows the status of all projects as an open page does, by server-sent events. */
export class StatusStream {
  readonly #stopped = new AbortController();
  readonly #running = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  #buffered = '';

  private constructor(private readonly reader: ReadableStreamDefaultReader<string>) {}

  static async open(api: Api): Promise<StatusStream> {
    const response = await fetch(`${api.base}/api/events`, { headers: { cookie: api.cookie } });
    if (response.body === null) throw new Error(`no events: ${String(response.status)}`);
    const stream = new StatusStream(response.body.pipeThrough(new TextDecoderStream()).getReader());
    void stream.#read();
    return stream;
  }

  /** Resolves when the page of this project would say RUNNING. */
  running(id: string): Promise<void> {
    return new Promise((resolve) => {
      if (this.#running.has(id)) resolve();
      else this.#waiting.set(id, resolve);
    });
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.reader.cancel();
  }

  async #read(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const { value, done } = await this.reader.read();
      if (done) return;
      const parts = (this.#buffered + value).split('\n\n');
      this.#buffered = parts.pop() ?? '';
      for (const part of parts) this.#take(part);
    }
  }

  #take(part: string): void {
    const data = /^data: (.*)$/m.exec(part)?.[1];
    if (data === undefined) return;
    const event = JSON.parse(data) as StatusEvent;
    if (event.type !== 'project' || event.project.status !== 'RUNNING') return;
    this.#running.add(event.project.id);
    this.#waiting.get(event.project.id)?.();
  }
}

export interface Created {
  readonly id: string;
  /** Milliseconds from the request until it was accepted, until RUNNING, and until it could be used. */
  readonly accepted: number;
  readonly running: number;
  readonly usable: number;
}

/**
 * Creates a project with a database and waits until a person can work in it: its page says RUNNING, a command typed into
 * its terminal has answered, and its database has answered a query.
 */
export async function createUsable(api: Api, status: StatusStream, name: string): Promise<Created> {
  const since = performance.now();
  const { project } = await api.create({ name, database: true });
  const accepted = performance.now() - since;
  await status.running(project.id);
  const running = performance.now() - since;
  await Promise.all([commandAnswers(api, project.id), databaseAnswers(api, project.id)]);
  return { id: project.id, accepted, running, usable: performance.now() - since };
}

/** The shell stays, as it does for a person who closes the page. */
async function commandAnswers(api: Api, id: string): Promise<void> {
  const terminal = await Terminal.open(api, id, 'main');
  await terminal.run('true', 30_000, 10);
  terminal.close();
}

async function databaseAnswers(api: Api, id: string): Promise<void> {
  const { url } = await api.reveal(id);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('select 1');
  await client.end();
}
