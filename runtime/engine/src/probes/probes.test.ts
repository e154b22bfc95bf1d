import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { attempt, type Outcome, type Reach } from './attempt.js';
import { Health, probesNotRun, probesOf } from './index.js';
import { Prober } from './prober.js';
import type { Probe } from './spec.js';

const WAIT = { timeout: 45_000, interval: 10 };
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

const serve = (answer: RequestListener): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer(answer).listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
    servers.push(server);
  });

/** The container's port 3000 is `port` on this machine. */
const reachOf = (port: number): Reach => ({
  listens: () => Promise.resolve(port !== 0),
  portOf: () => port,
  program: ([file = '', ...args]) => ({ file, args, cwd: '/', env: { PATH: process.env['PATH'] ?? '' } }),
});

const container = (probe: object): object => ({
  name: 'app',
  ports: [{ name: 'web', containerPort: 3000 }],
  livenessProbe: probe,
});

/** In much time: one that is to run out of it says so. */
const ask = (probe: object, reach: Reach): Promise<Outcome> => {
  const { liveness } = probesOf(container({ timeoutSeconds: 45, ...probe }));
  if (liveness === undefined) throw new Error('There is no probe.');
  return attempt(liveness.check, reach, liveness.timeoutMs);
};

describe('a probe in a manifest', () => {
  it('says how often, how long and how many; what it leaves out is as on a cluster', () => {
    expect(probesOf(container({ tcpSocket: { port: 'web' } })).liveness).toEqual({
      kind: 'liveness',
      check: { type: 'tcp', port: 3000 },
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1000,
      failureThreshold: 3,
      successThreshold: 1,
      graceSeconds: undefined,
    });
    const { liveness } = probesOf(
      container({
        httpGet: { port: 8080, path: '/up', scheme: 'HTTPS', httpHeaders: [{ name: 'x', value: 'y' }] },
        ...{ initialDelaySeconds: 5, periodSeconds: 2, timeoutSeconds: 4, failureThreshold: 6 },
        ...{ successThreshold: 9, terminationGracePeriodSeconds: 7 },
      }),
    );
    expect(liveness).toMatchObject({
      check: { type: 'http', port: 8080, path: '/up', scheme: 'https', headers: [['x', 'y']] },
      ...{ initialDelayMs: 5000, periodMs: 2000, timeoutMs: 4000, failureThreshold: 6, graceSeconds: 7 },
      // Of a liveness probe a cluster takes no other.
      successThreshold: 1,
    });
  });

  it('with numbers that a cluster refuses is asked as if it had none', () => {
    const wrong = { periodSeconds: 0, timeoutSeconds: -1, failureThreshold: 0, initialDelaySeconds: -3 };
    expect(probesOf(container({ tcpSocket: { port: 1 }, ...wrong })).liveness).toMatchObject({
      ...{ periodMs: 10_000, timeoutMs: 1000, failureThreshold: 3, initialDelayMs: 0 },
    });
    expect(
      probesOf(container({ tcpSocket: { port: 1 }, periodSeconds: 1e12 })).liveness?.periodMs,
    ).toBeLessThan(2 ** 31);
  });

  it('of a kind that there is not here is named and not run', () => {
    expect(probesOf(container({ grpc: { port: 1 } }))).toEqual({});
    expect(probesNotRun(container({ grpc: { port: 1 } }))).toEqual(['liveness']);
    expect(probesNotRun(container({ exec: { command: ['true'] } }))).toEqual([]);
  });
});

describe('an attempt', () => {
  it('by tcpSocket asks who listens, and says so as the kubelet does', async () => {
    const probe = { tcpSocket: { port: 'web' } };
    expect(await ask(probe, reachOf(1))).toEqual({ result: 'success', message: '' });
    expect(await ask(probe, reachOf(0))).toEqual({
      result: 'failure',
      message: 'dial tcp 127.0.0.1:3000: connect: connection refused',
    });
    const never = { ...reachOf(1), listens: () => new Promise<boolean>(() => undefined) };
    expect(await ask({ ...probe, timeoutSeconds: 1 }, never)).toEqual({
      result: 'failure',
      message: 'dial tcp 127.0.0.1:3000: i/o timeout',
    });
    // A name that the container does not declare speaks neither for it nor against it.
    expect(await ask({ tcpSocket: { port: 'other' } }, reachOf(1))).toMatchObject({ result: 'unknown' });
  });

  it.each([
    [200, 'success'],
    [204, 'success'],
    [399, 'success'],
    [404, 'failure'],
    [500, 'failure'],
  ])('by httpGet that is answered with %i is a %s', async (status, result) => {
    const port = await serve((_request, response) => response.writeHead(status).end());
    expect(await ask({ httpGet: { port: 'web' } }, reachOf(port))).toEqual({
      result,
      message: result === 'success' ? '' : `HTTP probe failed with statuscode: ${status}`,
    });
  });

  it('by httpGet sends path and headers, and follows where it is led within the app', async () => {
    const asked: string[] = [];
    const port = await serve((request, response) => {
      asked.push(
        `${request.url ?? ''} ${String(request.headers['x-key'])} ${request.headers['user-agent'] ?? ''}`,
      );
      if (request.url === '/up?x=1') response.writeHead(302, { location: '/there' }).end();
      else response.writeHead(503).end();
    });
    const httpGet = { port: 3000, path: '/up?x=1', httpHeaders: [{ name: 'X-Key', value: 'k' }] };
    expect(await ask({ httpGet }, reachOf(port))).toMatchObject({ result: 'failure' });
    expect(asked).toEqual(['/up?x=1 k kube-probe/1.33', '/there k kube-probe/1.33']);
  });

  it('by httpGet goes nowhere else: a redirect to another host is an answer', async () => {
    const port = await serve((_request, response) =>
      response.writeHead(302, { location: 'http://192.0.2.1/' }).end(),
    );
    expect(await ask({ httpGet: { port: 'web', host: '192.0.2.1' } }, reachOf(port))).toMatchObject({
      result: 'success',
    });
  });

  it('by httpGet of one that never answers, cuts off or gets what cannot be sent is a failure', async () => {
    const silent = await serve(() => undefined);
    expect((await ask({ httpGet: { port: 'web' }, timeoutSeconds: 1 }, reachOf(silent))).message).toBe(
      'Get "http://127.0.0.1:3000/": no answer in time',
    );
    const rude = await serve((request) => request.socket.destroy());
    expect(await ask({ httpGet: { port: 'web' } }, reachOf(rude))).toMatchObject({ result: 'failure' });
    const header = [{ name: 'x', value: 'a\r\nb: c' }];
    expect(await ask({ httpGet: { port: 'web', httpHeaders: header } }, reachOf(silent))).toMatchObject({
      result: 'failure',
    });
  });

  it('by exec takes the exit code, tells what was said, and ends one that takes too long', async () => {
    const command = (...words: string[]) => ({ exec: { command: words } });
    const endless = command('sh', '-c', 'trap "" TERM; sleep 300; sleep 300');
    expect(await ask(command('true'), reachOf(1))).toEqual({ result: 'success', message: '' });
    expect(await ask(command('sh', '-c', 'echo out; echo err >&2; exit 3'), reachOf(1))).toEqual({
      result: 'failure',
      message: 'out\nerr',
    });
    expect(await ask({ ...endless, timeoutSeconds: 1 }, reachOf(1))).toEqual({
      result: 'failure',
      message: 'command timed out after 1s',
    });
    expect(await ask(command('/no/such/program'), reachOf(1))).toMatchObject({ result: 'unknown' });
  });
});

const FAST: Omit<Probe, 'kind'> = {
  check: { type: 'exec', command: ['true'] },
  ...{ initialDelayMs: 0, periodMs: 20, timeoutMs: 1000, failureThreshold: 3, successThreshold: 1 },
  graceSeconds: undefined,
};

/** Outcomes in their order; the last one stays. */
function scripted(...results: readonly Outcome['result'][]): () => Promise<Outcome> {
  let count = 0;
  return () => {
    const result = results[Math.min(count, results.length - 1)] ?? 'success';
    count += 1;
    return Promise.resolve({ result, message: `attempt ${count}` });
  };
}

describe('a prober', () => {
  const run = (probe: Partial<Probe>, attempts: () => Promise<Outcome>) => {
    const results: string[] = [];
    const prober = new Prober({
      probe: { kind: 'readiness', ...FAST, ...probe },
      attempt: attempts,
      onResult: (success, message) => {
        results.push(`${String(success)} ${message}`);
        if (message === 'attempt 9') prober.stop();
      },
      onFailure: () => undefined,
    });
    prober.start(performance.now());
    return results;
  };

  it('tells a failure when as many in a row failed as the threshold says, and no single one', async () => {
    const results = run(
      {},
      scripted(
        'success',
        'failure',
        'failure',
        'success',
        'failure',
        'unknown',
        'failure',
        'failure',
        'success',
      ),
    );
    await expect.poll(() => results.at(-1), WAIT).toBe('true attempt 9');
    expect(results).toEqual(['true attempt 1', 'true attempt 4', 'false attempt 8', 'true attempt 9']);
  });

  it('asks for as many successes in a row as the threshold says', async () => {
    const results = run(
      { successThreshold: 3, failureThreshold: 1 },
      scripted(
        'success',
        'success',
        'failure',
        'success',
        'success',
        'success',
        'failure',
        'failure',
        'failure',
      ),
    );
    await expect.poll(() => results.at(-1), WAIT).toBe('false attempt 9');
    expect(results.slice(0, 2)).toEqual(['false attempt 3', 'true attempt 6']);
  });

  it('takes an attempt that throws for none', async () => {
    let count = 0;
    const results = run({ failureThreshold: 1 }, () => {
      count += 1;
      return count === 1
        ? Promise.reject(new Error('no'))
        : Promise.resolve({ result: 'success', message: 'attempt 9' });
    });
    await expect.poll(() => results, WAIT).toEqual(['true attempt 9']);
  });

  it('looks at a starting container in between, and a failure there does not count', async () => {
    let looks = 0;
    const results: boolean[] = [];
    const prober = new Prober({
      probe: {
        ...FAST,
        ...{ kind: 'startup', check: { type: 'tcp', port: 1 }, periodMs: 3_600_000, failureThreshold: 2 },
      },
      attempt: () => {
        looks += 1;
        return Promise.resolve({ result: looks < 4 ? 'failure' : 'success', message: '' });
      },
      onResult: (success) => {
        results.push(success);
        prober.stop();
      },
      onFailure: () => undefined,
    });
    prober.start(performance.now());
    await expect.poll(() => results, WAIT).toEqual([true]);
  });
});

describe('the health of a container', () => {
  const watch = (probes: object, reach: Reach) => {
    const told: string[] = [];
    const health = new Health({
      probes: probesOf({ ports: [{ name: 'web', containerPort: 3000 }], ...probes }),
      reach,
      onChange: () => told.push(`${health.started ? 'started' : 'starting'}${health.ready ? ' ready' : ''}`),
      onUnhealthy: (kind) => told.push(`unhealthy ${kind}`),
      onFailed: ({ kind }) => told.push(`failed ${kind}`),
    });
    health.start();
    return { told, health };
  };
  const web = { tcpSocket: { port: 'web' }, periodSeconds: 1 };

  it('without probes is started and ready at once', () => {
    const { told, health } = watch({}, reachOf(1));
    expect([told, health.started, health.ready]).toEqual([['started ready'], true, true]);
  });

  it('is asked nothing else before its startup probe has succeeded', async () => {
    let listening = false;
    const reach = { ...reachOf(1), listens: () => Promise.resolve(listening) };
    const once = { failureThreshold: 1 };
    const { told, health } = watch(
      {
        startupProbe: { ...web, failureThreshold: 60 },
        readinessProbe: { ...web, ...once },
        livenessProbe: { ...web, ...once },
      },
      reach,
    );
    await expect
      .poll(() => told.filter((line) => line === 'unhealthy startup').length, WAIT)
      .toBeGreaterThan(1);
    expect(new Set(told)).toEqual(new Set(['starting', 'unhealthy startup']));
    listening = true;
    await expect.poll(() => told.at(-1), WAIT).toBe('started ready');
    health.stop();
    expect(told.filter((line) => line.startsWith('failed'))).toEqual([]);
  });

  it('that its startup probe gives up is told once, and nothing is asked any more', async () => {
    const { told } = watch({ startupProbe: { ...web, failureThreshold: 1 }, livenessProbe: web }, reachOf(0));
    await expect.poll(() => told.at(-1), WAIT).toBe('failed startup');
    expect(told).toEqual(['starting', 'unhealthy startup', 'failed startup']);
  });

  it('that its liveness probe gives up is not ready any more', async () => {
    let listening = true;
    const reach = { ...reachOf(1), listens: () => Promise.resolve(listening) };
    const { told, health } = watch(
      { readinessProbe: { ...web, failureThreshold: 600 }, livenessProbe: { ...web, failureThreshold: 2 } },
      reach,
    );
    await expect.poll(() => health.ready, WAIT).toBe(true);
    listening = false;
    await expect.poll(() => told.at(-1), WAIT).toBe('failed liveness');
    expect(health.ready).toBe(false);
  });
});

it('a server that takes connections and says nothing listens: tcpSocket asks no more', async () => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { answers } = await import('../workloads/pod-place.js');
  const { port } = server.address() as AddressInfo;
  expect(await answers(port)).toBe(true);
  await new Promise((resolve) => server.close(resolve));
  expect(await answers(port)).toBe(false);
});
