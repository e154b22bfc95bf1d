import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../shared/cluster-for-tests.js';
import { mergePatch } from './merge-patch.js';
import { createWaker, noWaker, wakeArgo, wakeFlux, type Patch, type Pushed, type WakeCall } from './wake.js';

const commit = (digit: string): string => digit.repeat(40);
const pushed = (before: string, after: string, ...paths: string[]): Pushed => ({
  before: commit(before),
  after: commit(after),
  paths,
});

interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

const servers: http.Server[] = [];
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    }),
  );
});

async function serve(statusCode: number, headers = {}): Promise<{ url: URL; received: Received[] }> {
  const received: Received[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body,
      });
      response.writeHead(statusCode, headers).end('{}');
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/webhook`), received };
}

function clusterAt(url: URL): Patch {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'c', server: url.origin, skipTLSVerify: true },
    { name: 'u', token: 'a-token' },
  );
  return mergePatch(() => Promise.resolve(config));
}

test('Flux: the source is asked to fetch, each time with another value', async () => {
  const { url, received } = await serve(200);
  const wake = wakeFlux(clusterAt(url), () => new Date(0));
  await wake(pushed('a', 'b'));
  await wake(pushed('b', 'c'));
  expect(received.map(({ method, path }) => `${method} ${path}`)).toEqual(
    Array(2).fill('PATCH /apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/platform'),
  );
  expect(received[0]?.headers['content-type']).toBe('application/merge-patch+json');
  const asked = received.map(({ body }) => JSON.parse(body) as unknown);
  expect(asked[0]).toEqual({
    metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': '1970-01-01T00:00:00.001Z' } },
  });
  expect(asked[1]).not.toEqual(asked[0]);
});

test('Flux: a role that does not allow it is an error', async () => {
  const { url } = await serve(403);
  const wake = wakeFlux(clusterAt(url), () => new Date());
  await expect(wake(pushed('a', 'b'))).rejects.toMatchObject({ status: 403 });
});

test('Argo CD: a signed push of branch rendered, without what is secret in the address', async () => {
  const { url, received } = await serve(200);
  const repository = new URL('https://name:password@git.example.com/org/gitops.git');
  await wakeArgo({ url, secret: 'shared', repository })(
    pushed('a', 'b', 'tenants/ab/ns-abcd1234/blog/x.yaml'),
  );
  const [request] = received;
  expect(request?.headers).toMatchObject({
    'x-github-event': 'push',
    'x-hub-signature-256': `sha256=${createHmac('sha256', 'shared')
      .update(request?.body ?? '')
      .digest('hex')}`,
  });
  expect(JSON.parse(request?.body ?? '')).toEqual({
    ref: 'refs/heads/rendered',
    before: commit('a'),
    after: commit('b'),
    repository: { html_url: 'https://git.example.com/org/gitops.git', default_branch: 'main' },
    commits: [{ added: [], modified: ['tenants/ab/ns-abcd1234/blog/x.yaml'], removed: [] }],
  });
});

test.each([
  [400, {}],
  [307, { location: 'http://127.0.0.1:1/' }],
])('Argo CD: an answer %i is an error, and is not followed elsewhere', async (status, headers) => {
  const { url } = await serve(status, headers);
  const repository = new URL('https://git.example.com/x');
  await expect(wakeArgo({ url, secret: 's', repository })(pushed('a', 'b'))).rejects.toThrow();
});

/** A call that is held until the test lets it go. */
function held(): { call: WakeCall; calls: Pushed[]; release: (error?: Error) => void } {
  const calls: Pushed[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  return {
    calls,
    call: (push) => {
      calls.push(push);
      return new Promise((resolve, reject) =>
        waiting.push((error) => {
          if (error === undefined) resolve();
          else reject(error);
        }),
      );
    },
    release: (error) => waiting.shift()?.(error),
  };
}

test('what is pushed during a call is put together into the next', async () => {
  const { call, calls, release } = held();
  const waker = createWaker({ calls: [call], onFailure: () => undefined });
  waker.wake(pushed('a', 'b', 'x'));
  waker.wake(pushed('b', 'c', 'x', 'y'));
  waker.wake(pushed('c', 'd', 'z'));
  expect(calls).toHaveLength(1);
  release();
  await until(() => calls.length === 2, 'the second call');
  expect(calls[1]).toEqual(pushed('b', 'd', 'x', 'y', 'z'));
  waker.wake(pushed('d', 'e', 'x'));
  waker.wake(pushed('e', 'f'));
  release();
  await until(() => calls.length === 3, 'the third call');
  // Which paths the last one changed is not known: nothing may be left out.
  expect(calls[2]).toEqual(pushed('d', 'f'));
  release();
  await waker.close();
});

test('an outage is told once, and again after it was over; others are woken all the same', async () => {
  const failures: unknown[] = [];
  const { call, calls, release } = held();
  const reached: Pushed[] = [];
  const other: WakeCall = (push) => Promise.resolve(void reached.push(push));
  const waker = createWaker({ calls: [call, other], onFailure: (error) => failures.push(error) });
  const outcomes = [new Error('1'), new Error('2'), undefined, new Error('3')];
  for (const [index, outcome] of outcomes.entries()) {
    waker.wake(pushed('a', 'b'));
    await until(() => calls.length === index + 1 && reached.length === index + 1, 'the calls');
    release(outcome);
    // Until it is known how the call ended, another push would be put together with nothing.
    await new Promise(setImmediate);
  }
  await waker.close();
  expect(failures).toEqual([new Error('1'), new Error('3')]);
  expect(reached).toHaveLength(4);
});

test('closed: the call under way is waited for, and nothing is called any more', async () => {
  const { call, calls, release } = held();
  const waker = createWaker({ calls: [call], onFailure: () => undefined });
  waker.wake(pushed('a', 'b'));
  waker.wake(pushed('b', 'c'));
  const closing = waker.close();
  release();
  await closing;
  waker.wake(pushed('c', 'd'));
  expect(calls).toHaveLength(1);
  await expect(noWaker.close()).resolves.toBeUndefined();
});
