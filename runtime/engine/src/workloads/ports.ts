import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import type { DurableState } from '../store/durable-state.js';

/** Below the range that systems draw outgoing connections from (32768 on Linux), above the well-known. */
const FIRST = 20_000;
const COUNT = 12_000;

/**
 * Ports of this machine for what has no network of its own. A port stays with its owner across restarts, as long as
 * nobody else has taken it meanwhile.
 */
export class PortAllocator {
  readonly #inUse = new Set<number>();
  readonly #offset: number;
  #chain: Promise<unknown> = Promise.resolve();

  /** Each engine begins somewhere else: two on one machine would take each other's ports while something is stopped. */
  constructor(private readonly state: DurableState) {
    this.#offset = createHash('sha256').update(state.value.engineId).digest().readUInt32BE(0) % COUNT;
  }

  /** One at a time: two owners asking at once must not find the same port free. */
  allocate(owner: string): Promise<number> {
    const result = this.#chain.then(() => this.#allocate(owner));
    this.#chain = result.catch(() => undefined);
    return result;
  }

  /** A port for each of them, in their order, or none at all. */
  async allocateAll(owners: readonly string[]): Promise<readonly number[]> {
    const ports: number[] = [];
    try {
      for (const owner of owners) ports.push(await this.allocate(owner));
      return ports;
    } catch (error) {
      for (const port of ports) this.release(port);
      throw error;
    }
  }

  /** The port an owner has, without asking for one. */
  find(owner: string): number | undefined {
    return this.state.value.ports[owner];
  }

  /** The owner has ended; the port stays reserved for its return. */
  release(port: number): void {
    this.#inUse.delete(port);
  }

  /** The owner will not come back. */
  async forget(owner: string): Promise<void> {
    const port = this.state.value.ports[owner];
    if (port === undefined) return;
    await this.#record(owner, undefined);
    this.#inUse.delete(port);
  }

  async #allocate(owner: string): Promise<number> {
    const known = this.state.value.ports[owner];
    if (known !== undefined && !this.#inUse.has(known) && (await isFree(known))) {
      this.#inUse.add(known);
      return known;
    }
    const reserved = new Set(Object.values(this.state.value.ports));
    for (let step = 0; step < COUNT; step += 1) {
      const port = FIRST + ((this.#offset + step) % COUNT);
      if (reserved.has(port) || this.#inUse.has(port) || !(await isFree(port))) continue;
      await this.#record(owner, port);
      this.#inUse.add(port);
      return port;
    }
    throw new Error(`No port between ${FIRST} and ${FIRST + COUNT - 1} is free on this machine.`);
  }

  /** What is not on the disk is not so: whoever tries again finds everything as it was, and writes it again. */
  async #record(owner: string, port: number | undefined): Promise<void> {
    const { ports } = this.state.value;
    const before = ports[owner];
    put(ports, owner, port);
    try {
      await this.state.save();
    } catch (error) {
      put(ports, owner, before);
      throw error;
    }
  }
}

function put(ports: Record<string, number>, owner: string, port: number | undefined): void {
  if (port === undefined) Reflect.deleteProperty(ports, owner);
  else ports[owner] = port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}
