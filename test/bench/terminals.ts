import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Api } from '../support/api.js';
import { Terminal } from '../support/terminal.js';
import { until } from '../support/until.js';

const INPUT = 0x30;
const OUTPUT = 0x30;

/** A terminal that counts what comes instead of keeping it. */
class Meter {
  bytes = 0;
  #heard: (() => void) | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      if (data[0] !== OUTPUT) return;
      this.bytes += data.length - 1;
      this.#heard?.();
    });
  }

  static async open(api: Api, project: string, session: string): Promise<Meter> {
    const url = `${api.base.replace(/^http/, 'ws')}/api/projects/${project}/terminal?session=${session}`;
    const socket = new WebSocket(url, ['tty'], { headers: { cookie: api.cookie, origin: api.base } });
    await once(socket, 'open');
    socket.send(JSON.stringify({ AuthToken: '', columns: 120, rows: 40 }));
    const meter = new Meter(socket);
    await until('the shell to show its prompt', () => meter.bytes > 0, { every: 10 });
    return meter;
  }

  type(text: string): void {
    this.socket.send(Buffer.concat([Buffer.of(INPUT), Buffer.from(text)]));
  }

  /** Resolves with the next output. */
  heard(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }

  close(): void {
    this.socket.close();
  }
}

/** Presses keys one after the other, each when the one before was echoed. Milliseconds of each. */
export async function echoes(api: Api, project: string, keys: number): Promise<number[]> {
  const meter = await Meter.open(api, project, 'echo');
  meter.type(' ');
  await meter.heard();
  const times: number[] = [];
  for (let key = 0; key < keys; key += 1) {
    // Lines stay short: a wrapped line is drawn anew.
    const echo = meter.heard();
    const since = performance.now();
    meter.type(key % 40 === 39 ? '\u0015' : 'x');
    await echo;
    times.push(performance.now() - since);
    // As a fast typist: a key waits for nothing that the one before set off.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  meter.close();
  return times;
}

export interface Flood {
  /** Megabytes a second that arrived at the browser's end. */
  readonly rate: number;
  /** Milliseconds until a key is echoed in another terminal of the same sandbox meanwhile. */
  readonly echoes: readonly number[];
}

const FLOOD_BYTES = 128 * 1024 * 1024;

/** A program prints as fast as it can, until so much has arrived. */
export async function flood(api: Api, project: string): Promise<Flood> {
  const meter = await Meter.open(api, project, 'flood');
  const since = performance.now();
  meter.type('yes "The quick brown fox jumps over the lazy dog, again and again, and once more."\r');
  let over = false;
  const meanwhile = typeUntil(api, project, () => over);
  await until('the flood to arrive', () => meter.bytes > FLOOD_BYTES, { every: 20, deadline: 300_000 });
  const rate = meter.bytes / 1e6 / ((performance.now() - since) / 1000);
  over = true;
  meter.type('\u0003');
  const times = await meanwhile;
  meter.close();
  return { rate, echoes: times };
}

async function typeUntil(api: Api, project: string, over: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!over()) times.push(...(await echoes(api, project, 10)));
  return times;
}

/** The engine keeps 64 shells a sandbox (`runtime/engine/src/terminal/server.ts`), and the other figures need a few. */
export const ROOM_IN_A_SANDBOX = 58;

/** Opens terminals spread over the projects, each with a shell that has answered; answers what closes them. */
export async function openMany(api: Api, projects: readonly string[], count: number): Promise<() => void> {
  const open: Terminal[] = [];
  for (let at = 0; at < count; at += 1) {
    const project = projects[at % projects.length] ?? '';
    const terminal = await Terminal.open(api, project, `many-${String(at)}`);
    open.push(terminal);
    await terminal.run('true', 30_000, 10);
  }
  return () => {
    for (const terminal of open) terminal.close();
  };
}
