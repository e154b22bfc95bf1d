import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../testing/free-port.js';
import { choosePorts, type Ports, type PortWishes } from './ports.js';

let base = '';
let said: string[] = [];
const listening: Server[] = [];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-ports-'));
  said = [];
});
afterEach(async () => {
  for (const server of listening.splice(0)) server.close();
  await rm(base, { recursive: true, force: true });
});

function choose(wishes: Partial<PortWishes> = {}): Promise<Ports> {
  const memory = join(base, 'ports.json');
  return choosePorts({
    host: '127.0.0.1',
    port: undefined,
    ingressPort: undefined,
    memory,
    say: (line) => said.push(line),
    ...wishes,
  });
}

async function occupy(port: number, host = '127.0.0.1'): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => {
      listening.push(server);
      resolve(true);
    });
  });
}

describe('ports', () => {
  it('are five different ones', async () => {
    const ports = await choose({ port: await freePort() });
    expect(new Set(Object.values(ports)).size).toBe(5);
  });

  it('of everything but the portal stay the same from start to start', async () => {
    const first = await choose({ port: await freePort() });
    const second = await choose({ port: await freePort() });
    expect({ ...second, portal: 0 }).toEqual({ ...first, portal: 0 });
  });

  it('that were asked for are taken or refused, by name', async () => {
    const port = await freePort();
    expect((await choose({ port })).portal).toBe(port);
    await occupy(port);
    await expect(choose({ port })).rejects.toThrow(`PORT ${port} is in use by another program`);
    await expect(choose({ ingressPort: port })).rejects.toThrow(
      `INGRESS_PORT ${port} is in use by another program`,
    );
  });

  it('is in use too when somebody listens on ::1, where browsers look first', async ({ skip }) => {
    const port = await freePort();
    if (!(await occupy(port, '::1'))) skip('this machine has no IPv6');
    await expect(choose({ port })).rejects.toThrow(/is in use/);
  });

  it('move on from a busy default, and say so', async () => {
    await occupy(3000);
    const ports = await choose();
    expect(ports.portal).toBeGreaterThan(3000);
    expect(said).toEqual([`Port 3000 is in use, so this is ${ports.portal}.`]);
  });

  it('say when the apps had to move', async () => {
    const first = await choose({ port: await freePort() });
    await occupy(first.ingress);
    const second = await choose({ port: await freePort() });
    expect(second.ingress).not.toBe(first.ingress);
    expect(said.join()).toContain(`Port ${first.ingress}, where the apps were, is in use`);
  });

  it('of the portal are never the ones that the others will want', async () => {
    await writeFile(join(base, 'ports.json'), JSON.stringify({ ingress: 3000 }));
    const ports = await choose();
    expect(ports.portal).not.toBe(3000);
  });

  it.each(['', 'null', '{"ingress":"x"}', '[1'])('are chosen anew when the memory holds %j', async (text) => {
    await writeFile(join(base, 'ports.json'), text);
    expect((await choose({ port: await freePort() })).ingress).toBeGreaterThan(0);
  });
});
