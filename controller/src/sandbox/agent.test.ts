import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KubeApi } from '../shared/kube-api.js';
import { Agent } from './agent.js';

const PATH = '/api/v1/nodes/local/agent';
const ada = { id: 'u1a2b3c4d5e6', name: 'ada' };

/** An engine that answers every order and question with this. */
async function engine(status: number, answer: unknown, asked: unknown[] = []): Promise<KubeApi> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      asked.push([request.method, request.url, body === '' ? undefined : JSON.parse(body)]);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close();
  });
  const config = new KubeConfig();
  const { port } = server.address() as AddressInfo;
  config.loadFromClusterAndUser(
    { name: 'c', server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: 'u', token: 't' },
  );
  return new KubeApi(() => Promise.resolve(config));
}

const refusal = (message: string) => ({ kind: 'Status', message });

describe('Claude Code on one machine', () => {
  it.each([
    ['nothing', {}, false],
    ['one that sandboxes do not see', { onPath: { path: '/root/bin/claude', shown: false } }, false],
    ['one of the machine', { onPath: { path: '/usr/bin/claude', shown: true } }, true],
    ['one for all sandboxes', { installed: { version: '1', bytes: 5 } }, true],
  ])('is there, with %s: %s', async (_what, said, available) => {
    const api = await engine(200, { wanted: '2', ...said, consent: { needed: false } });
    expect(await new Agent({ api, offered: true }).state()).toEqual({
      ...{ from: 'machine', wanted: '2', available, consent: { needed: false }, ...said },
    });
  });

  it('says what it is at, why the last attempt failed, and who allowed it', async () => {
    const installing = { since: '2026-11-28T12:00:00Z', bytes: 1, ofBytes: 2 };
    const failure = { message: 'No.', lines: ['npm ERR!'] };
    const given = { at: '2026-11-28T12:00:00Z', by: ada, as: 'user' };
    const api = await engine(200, { wanted: '2', installing, failure, consent: { needed: true, given } });
    expect(await new Agent({ api, offered: true }).state()).toMatchObject({
      ...{ installing, failure, consent: { needed: true, given: { at: given.at, by: 'ada' } } },
    });
  });

  it('is ordered in the name of who asks, and of nothing else of them', async () => {
    const asked: unknown[] = [];
    const api = await engine(201, { wanted: '2', consent: { needed: true } }, asked);
    const person = { ...ada, role: 'operator' };
    const state = await new Agent({ api, offered: true }).act({ action: 'allow' }, person);
    expect(state.consent).toEqual({ needed: true });
    expect(asked).toEqual([['POST', PATH, { action: 'allow', by: ada }]]);
  });

  it.each([
    [400, 'ACTION_NOT_ALLOWED', 'Nothing has to be allowed.'],
    [409, 'ACTION_NOT_ALLOWED', 'Cancel that first.'],
    [503, 'CLUSTER_UNREACHABLE', 'The cluster cannot be reached right now. Try again in a moment.'],
  ])("is refused with the engine's own words: %i", async (status, code, message) => {
    const api = await engine(status, refusal(message));
    const order = new Agent({ api, offered: true }).act({ action: 'remove' }, ada);
    await expect(order).rejects.toMatchObject({ code, message });
  });

  it.each([[null], ['text'], [{ consent: 'yes', installed: 7, onPath: [] }]])(
    'is not there, and not allowed, where the answer makes no sense: %j',
    async (said) => {
      const state = await new Agent({ api: await engine(200, said), offered: true }).state();
      expect(state.consent).toEqual({ needed: true });
      expect(state.onPath?.shown ?? false).toBe(false);
    },
  );
});

describe('Claude Code on a cluster', () => {
  it("is the image's: there is nothing to ask, and nothing to order", async () => {
    const agent = new Agent({ api: await engine(500, {}), offered: false });
    expect(await agent.state()).toEqual({ from: 'image', available: true, consent: { needed: false } });
    await expect(agent.act({ action: 'install' }, ada)).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});
