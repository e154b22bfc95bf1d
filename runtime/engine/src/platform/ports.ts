import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { z } from 'zod';
import { isErrno, writeFileDurably } from '../files/durable.js';
import { StartProblem } from './problem.js';

export interface Ports {
  readonly portal: number;
  readonly ingress: number;
  readonly engine: number;
  readonly controller: number;
  readonly database: number;
}

export interface PortWishes {
  readonly host: string;
  readonly port: number | undefined;
  readonly ingressPort: number | undefined;
  /** Where the ports of the last start are kept: the ingress's is in addresses that people have copied. */
  readonly memory: string;
  /** Tells the person about a port that moved. */
  readonly say: (line: string) => void;
}

const DEFAULT_PORT = 3000;
const LOOPBACK = '127.0.0.1';
/** How far the search for a free port goes: past that, something else is wrong. */
const REACH = 200;

const remembered = z
  .object({ ingress: z.int(), engine: z.int(), controller: z.int(), database: z.int() })
  .partial();
type Remembered = z.infer<typeof remembered>;

/** Free at this moment. A port that a person asked for is taken or refused; all others give way. */
export async function choosePorts(wishes: PortWishes): Promise<Ports> {
  const last = await recall(wishes.memory);
  const taken = new Set(wishes.ingressPort === undefined ? [] : [wishes.ingressPort]);
  const portal = await portalPort(wishes, new Set([...taken, ...numbersIn(last)]));
  taken.add(portal);
  const ingress = await ingressPort(wishes, { last, taken, portal });
  taken.add(ingress);
  const internal: number[] = [];
  for (const wanted of [last.engine, last.controller, last.database]) {
    const port = await sameOrFree(wanted, taken);
    taken.add(port);
    internal.push(port);
  }
  const [engine = 0, controller = 0, database = 0] = internal;
  const ports = { portal, ingress, engine, controller, database };
  await remember(wishes.memory, { ingress, engine, controller, database });
  return ports;
}

function numbersIn(last: Remembered): number[] {
  return Object.values(last).filter((port) => port !== undefined);
}

async function portalPort(wishes: PortWishes, avoid: ReadonlySet<number>): Promise<number> {
  if (wishes.port !== undefined) {
    await demand('PORT', wishes.port, wishes.host);
    return wishes.port;
  }
  const port = await nextFree(DEFAULT_PORT, wishes.host, avoid);
  if (port !== DEFAULT_PORT) wishes.say(`Port ${DEFAULT_PORT} is in use, so this is ${port}.`);
  return port;
}

async function ingressPort(
  wishes: PortWishes,
  known: { last: Remembered; taken: ReadonlySet<number>; portal: number },
): Promise<number> {
  if (wishes.ingressPort !== undefined) {
    await demand('INGRESS_PORT', wishes.ingressPort, LOOPBACK);
    return wishes.ingressPort;
  }
  const wanted = known.last.ingress;
  if (wanted !== undefined && !known.taken.has(wanted)) {
    if (await isFree(wanted, LOOPBACK)) return wanted;
    wishes.say(`Port ${wanted}, where the apps were, is in use: their addresses change.`);
  }
  return nextFree(known.portal + 1, LOOPBACK, known.taken);
}

async function demand(name: string, port: number, host: string): Promise<void> {
  const problem = await probe(port, host);
  if (problem === undefined) return;
  if (problem === 'EADDRINUSE') {
    throw new StartProblem(
      `${name} ${port} is in use by another program: stop it, or choose another ${name}.`,
    );
  }
  if (problem === 'EACCES') throw new StartProblem(`${name} ${port} may not be opened by this user.`);
  throw new StartProblem(`${name} ${port} cannot be opened on ${host}: ${problem}.`);
}

async function nextFree(first: number, host: string, avoid: ReadonlySet<number>): Promise<number> {
  for (let port = first; port < Math.min(first + REACH, 65_536); port += 1) {
    if (!avoid.has(port) && (await isFree(port, host))) return port;
  }
  throw new StartProblem(
    `No port from ${first} to ${first + REACH - 1} is free on ${host}: choose one with PORT.`,
  );
}

async function sameOrFree(wanted: number | undefined, taken: ReadonlySet<number>): Promise<number> {
  if (wanted !== undefined && !taken.has(wanted) && (await isFree(wanted, LOOPBACK))) return wanted;
  for (;;) {
    const port = await listenOnce(0, LOOPBACK);
    if (typeof port === 'number' && !taken.has(port)) return port;
    if (typeof port === 'string') throw new StartProblem(`No port can be opened on ${LOOPBACK}: ${port}.`);
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  return (await probe(port, host)) === undefined;
}

/** The system's error code, or `undefined` when the port can be opened. */
async function probe(port: number, host: string): Promise<string | undefined> {
  const own = await listenOnce(port, host);
  if (typeof own === 'string') return own;
  if (host !== LOOPBACK) return undefined;
  // Browsers try ::1 first for localhost: somebody who listens there would get our visitors.
  return (await listenOnce(port, '::1')) === 'EADDRINUSE' ? 'EADDRINUSE' : undefined;
}

function listenOnce(port: number, host: string): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const found = address !== null && typeof address === 'object' ? address.port : port;
      server.close(() => resolve(found));
    });
  });
}

async function recall(file: string): Promise<Remembered> {
  try {
    const result = remembered.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return result.success ? result.data : {};
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return {};
    throw error;
  }
}

async function remember(file: string, ports: Remembered): Promise<void> {
  const text = `${JSON.stringify(ports)}\n`;
  const before = await readFile(file, 'utf8').catch(() => '');
  if (before !== text) await writeFileDurably(file, text, 0o600);
}
