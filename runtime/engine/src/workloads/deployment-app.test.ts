import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ContainerLog } from '../logs/index.js';
import { probesOf } from '../probes/index.js';
import { text, type KubeObject } from '../store/object.js';
import { Store } from '../store/store.js';
import { freePort } from '../testing/free-port.js';
import { ContainerEvents } from './container-events.js';
import { DeploymentApp, type AppState } from './deployment-app.js';
import { EventRecorder } from './events.js';
import { Lives } from './lives.js';

/** Closes its port on SIGUSR2 and opens it on the next one; says so when it is asked to end, and takes its time. */
const SERVER = `
const { createServer } = require('node:net');
const server = createServer((socket) => socket.end());
const listen = () => server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
process.on('SIGUSR2', () => (server.listening ? server.close() : listen()));
process.on('SIGTERM', () => {
  console.log('ending');
  if (process.env.STUBBORN === undefined) setTimeout(() => process.exit(0), 200);
});
setInterval(() => undefined, 1000);
listen();
`;
const WAIT = { timeout: 45_000, interval: 20 };

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

let app: DeploymentApp | undefined;
let told: AppState[] = [];
let store: Store;
let folder: string;
let log: ContainerLog | undefined;

interface Manifest {
  readonly liveness?: object;
  readonly readiness?: object;
  readonly env?: Readonly<Record<string, string>>;
  readonly graceSeconds?: number;
  readonly script?: string;
}

/** An app as a release's manifest describes it; the back-off is a release's, too. */
const begin = async ({ liveness = {}, readiness = {}, ...rest }: Manifest = {}): Promise<DeploymentApp> => {
  const port = await freePort();
  const container = {
    name: 'app',
    ports: [{ name: 'app', containerPort: port }],
    startupProbe: { tcpSocket: { port: 'app' }, periodSeconds: 1, failureThreshold: 20 },
    readinessProbe: { tcpSocket: { port: 'app' }, periodSeconds: 1, failureThreshold: 1, ...readiness },
    livenessProbe: { tcpSocket: { port: 'app' }, periodSeconds: 1, failureThreshold: 3, ...liveness },
  };
  const pod: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'blog', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '' },
    spec: { containers: [container] },
  };
  store = new Store({ now: () => new Date() });
  folder = await mkdtemp(join(tmpdir(), 'fsa-app-'));
  log = new ContainerLog({ folder, now: () => new Date() });
  const one = new DeploymentApp({
    command: { file: process.execPath, args: ['-e', rest.script ?? SERVER] },
    waits: false,
    cwd: '/',
    env: { PORT: String(port), ...rest.env },
    probes: probesOf(container),
    reach: {
      listens: isOpen,
      portOf: (asked) => asked,
      program: ([file = '', ...args]) => ({ file, args, cwd: '/', env: {} }),
    },
    graceSeconds: rest.graceSeconds ?? 10,
    events: new ContainerEvents(new EventRecorder(store, () => new Date()), pod),
    lives: new Lives(),
    log,
    onChange: (state) => told.push(state),
  });
  app = one;
  one.start();
  return one;
};

const started = async (manifest?: Manifest): Promise<DeploymentApp> => {
  const one = await begin(manifest);
  await expect.poll(() => one.state.ready, WAIT).toBe(true);
  return one;
};

const events = (): readonly string[] =>
  store.list('Event', 'ns').map((event) => `${text(event, 'reason') ?? ''}: ${text(event, 'message') ?? ''}`);

afterEach(async () => {
  app?.stop();
  app?.signal('SIGKILL');
  await log?.remove();
  told = [];
});

describe('an app that listened and does not now', () => {
  it('is sent nothing and left alone while it starts its server anew', async () => {
    const one = await started({ liveness: { failureThreshold: 60 } });
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.ready, WAIT).toBe(false);
    expect(one.state.started).toBe(true);
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.ready || one.state.restarts > 0, WAIT).toBe(true);
    expect(one.state).toEqual({ started: true, ready: true, restarts: 0 });
    // What it prints comes by another way than what its port answers.
    await expect.poll(() => log?.tail, WAIT).toBe('listening\nlistening\n');
    expect(events().filter((line) => line.startsWith('Unhealthy: Readiness probe failed'))).not.toEqual([]);
  });

  it('is asked to end and started again, with the reason, when it stays silent', async () => {
    const one = await started();
    one.signal('SIGUSR2');
    const waited = (): AppState | undefined => told.find(({ waiting }) => waiting !== undefined);
    await expect.poll(waited, WAIT).toMatchObject({ restarts: 0, waiting: { reason: 'CrashLoopBackOff' } });
    expect(waited()?.waiting?.message).toMatch(
      /^Nothing listens at port \d+ any more\. It last said: listening\nending$/,
    );
    // Asked by SIGTERM, it ended in its own way.
    expect(waited()?.ended).toMatchObject({ exitCode: 0, output: 'listening\nending\n' });
    await expect.poll(() => one.state, WAIT).toMatchObject({ ready: true, restarts: 1 });
    expect(events()).toEqual(
      expect.arrayContaining([
        'Killing: Container app failed liveness probe, will be restarted',
        'BackOff: Back-off restarting failed container app in pod blog_ns(u)',
        'Started: Started container app',
      ]),
    );
  });

  it('is made to end when its grace time is over; a probe may have its own', async () => {
    const one = await started({
      env: { STUBBORN: 'yes' },
      graceSeconds: 600,
      liveness: { failureThreshold: 1, terminationGracePeriodSeconds: 1 },
    });
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.ended, WAIT).toMatchObject({ exitCode: 137 });
  });
});

describe('an app that ends', () => {
  it('waits longer each time, and the last words are those of the last life', async () => {
    const one = await begin({ script: 'console.error("no database"); process.exitCode = 7' });
    await expect.poll(() => one.state.restarts, WAIT).toBe(2);
    const waits = told.filter(({ waiting }) => waiting !== undefined);
    expect(waits.map(({ restarts }) => restarts).slice(0, 2)).toEqual([0, 1]);
    for (const { ended } of waits) expect(ended).toMatchObject({ exitCode: 7, output: 'no database\n' });
    expect(told.some(({ started }) => started)).toBe(false);
  });
});
