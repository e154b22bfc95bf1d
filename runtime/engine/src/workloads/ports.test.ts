import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DurableState } from '../store/durable-state.js';
import { PortAllocator } from './ports.js';

let base = '';
let folder = '';
let state: DurableState;
let ports: PortAllocator;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-ports-'));
  folder = join(base, 'engine');
  state = await DurableState.open(join(folder, 'state.json'), () => ({
    engineId: 'one',
    token: '',
    ports: {},
    passwords: {},
  }));
  ports = new PortAllocator(state);
});

afterEach(() => rm(base, { recursive: true, force: true }));

const unwritable = (): Promise<void> => rm(folder, { recursive: true });
const writable = (): Promise<unknown> => mkdir(folder);
const onDisk = async (): Promise<unknown> =>
  (JSON.parse(await readFile(join(folder, 'state.json'), 'utf8')) as { ports: unknown }).ports;

describe('ports', () => {
  it('stay with their owners', async () => {
    const [a = 0, b = 0] = await ports.allocateAll(['a', 'b']);
    expect(a).not.toBe(b);
    ports.release(a);
    expect(await ports.allocate('a')).toBe(a);
    await ports.forget('b');
    expect(await onDisk()).toEqual({ a });
  });

  it('are not given out when that cannot be written down', async () => {
    await unwritable();
    await expect(ports.allocate('a')).rejects.toThrow();
    expect(ports.find('a')).toBeUndefined();
    await writable();
    const a = await ports.allocate('a');
    expect(await onDisk()).toEqual({ a });
    ports.release(a);
    expect(await ports.allocate('a')).toBe(a);
  });

  it('stay what they were when another cannot be written down', async () => {
    const a = await ports.allocate('a');
    ports.release(a);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen({ host: '127.0.0.1', port: a }, resolve));
    try {
      await unwritable();
      await expect(ports.allocate('a')).rejects.toThrow();
      expect(ports.find('a')).toBe(a);
    } finally {
      await new Promise((resolve) => stranger.close(resolve));
    }
  });

  it('are all taken back when one of several cannot be had', async () => {
    const a = await ports.allocate('a');
    ports.release(a);
    await unwritable();
    await expect(ports.allocateAll(['a', 'b'])).rejects.toThrow();
    await writable();
    expect((await ports.allocateAll(['a', 'b']))[0]).toBe(a);
  });

  it('are forgotten by the next try when the first could not be written down', async () => {
    await ports.allocate('a');
    await unwritable();
    await expect(ports.forget('a')).rejects.toThrow();
    await writable();
    await ports.forget('a');
    expect(await onDisk()).toEqual({});
  });
});
