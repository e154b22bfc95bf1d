import { connect, createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DeploymentApp } from './deployment-app.js';

const SERVER = `
const { createServer } = require('node:net');
const server = createServer((socket) => socket.end());
const listen = () => server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
process.on('SIGUSR2', () => (server.listening ? server.close() : listen()));
setInterval(() => undefined, 1000);
listen();
`;
const STARTUP_MS = 2000;
const WAIT = { timeout: 20_000, interval: 20 };

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

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });

let app: DeploymentApp | undefined;

const started = async (): Promise<DeploymentApp> => {
  const port = await freePort();
  const one = new DeploymentApp({
    command: { file: process.execPath, args: ['-e', SERVER] },
    cwd: '/',
    env: { PORT: String(port) },
    listens: () => isOpen(port),
    startupMs: STARTUP_MS,
    onChange: () => undefined,
  });
  app = one;
  one.start();
  await expect.poll(() => one.state.ready, WAIT).toBe(true);
  return one;
};

afterEach(() => {
  app?.stop();
  app?.signal('SIGKILL');
});

describe('an app that listened and does not now', () => {
  it('is left alone while it starts its server anew', async () => {
    const one = await started();
    // The next look comes later than an app may take to start.
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.ready, WAIT).toBe(false);
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.ready || one.state.restarts > 0, WAIT).toBe(true);
    expect(one.state).toEqual({ ready: true, restarts: 0 });
    expect(one.output).toBe('listening\nlistening\n');
  });

  it('is started again, with the reason, when it stays silent', async () => {
    const one = await started();
    one.signal('SIGUSR2');
    await expect.poll(() => one.state.restarts, WAIT).toBe(1);
    expect(one.state.waiting).toEqual({
      reason: 'CrashLoopBackOff',
      message: 'Nothing listened at $PORT in time. It last said: listening',
    });
    await expect.poll(() => one.state.ready, WAIT).toBe(true);
  });
});
