import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below what the engine gives out itself, and so below what systems draw for outgoing connections and for port 0: a port
 * from there would be somebody else's now and then, between this look and its use.
 */
const FIRST = 10_000;
const COUNT = 10_000;
const given = new Set<number>();

/** A port that nobody had a moment ago. Tests in other processes choose at random too, so they hardly ever meet. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < COUNT; tries += 1) {
    const port = FIRST + randomInt(COUNT);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`No port between ${FIRST} and ${FIRST + COUNT - 1} is free.`);
}

/** On any address: who listens on all of them has it on each. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
