import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { Exec, KubeConfig, type V1Status } from '@kubernetes/client-node';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeKubeconfig } from '../api/kubeconfig.js';
import { ApiServer } from '../api/server.js';
import { servingCertificate } from '../api/serving-certificate.js';
import { searchPath } from '../config.js';
import { pollUntil } from '../files/polling.js';
import { Store } from '../store/store.js';
import { Kubectl, kubectlPath } from '../testing/kubectl.js';
import { startExec } from './start.js';

const skipWithoutKubectl = kubectlPath === undefined && process.env['CI'] !== 'true';
const TOKEN = 'token-of-this-test';
const now = (): Date => new Date();
let home: string;
let work: string;
let server: ApiServer;
let kubectl: Kubectl;
let config: KubeConfig;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsa-exec-'));
  work = join(home, 'work');
  await mkdir(work);
  const tls = await servingCertificate();
  const store = new Store({ now, historyLength: 50 });
  store.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'blog-0', namespace: 'ns-a' },
    spec: { containers: [{ name: 'sandbox', image: 'example/sandbox:1' }] },
  });
  server = new ApiServer({
    store,
    token: TOKEN,
    tls,
    exec: (_pod, request) =>
      startExec(request, {
        cwd: work,
        env: { PATH: searchPath(), HOME: work },
        command: (file, args) => ({ file, args }),
      }),
    log: pino({ level: 'silent' }),
  });
  const port = await server.listen(0);
  const kubeconfig = await writeKubeconfig(home, { port, token: TOKEN, certificate: tls.certificate });
  config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  kubectl = new Kubectl(kubeconfig, home);
});

afterAll(async () => {
  await server.close();
  await rm(home, { recursive: true, force: true });
});

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: V1Status;
}

/** Through the official client library. */
async function run(command: readonly string[], input?: PassThrough, tty = false): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([readAll(stdout), readAll(stderr)]);
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec('ns-a', 'blog-0', 'sandbox', [...command], stdout, stderr, input ?? null, tty, resolve)
      .catch(reject);
  });
  for (const stream of [stdout, stderr]) stream.end();
  const [out, err] = await texts;
  return { stdout: out, stderr: err, status };
}

describe('a program that the client library runs in a pod', () => {
  it('says what it says, on both streams, and how it ended', async () => {
    const { stdout, stderr, status } = await run(['sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect([stdout, stderr]).toEqual(['out\n', 'err\n']);
    expect(status.details?.causes).toEqual([{ reason: 'ExitCode', message: '3' }]);
    expect((await run(['true'])).status.status).toBe('Success');
  });

  it('gets its words as they are, and no shell reads them', async () => {
    const words = ['$HOME', '`id`', 'a b', '', '*', "'", 'é\n'];
    expect((await run(['printf', '[%s]', ...words])).stdout).toBe(words.map((word) => `[${word}]`).join(''));
  });

  it('that a signal ended has the code that a shell would say', async () => {
    const { status } = await run(['sh', '-c', 'kill -KILL $$']);
    expect(status.details?.causes?.[0]?.message).toBe('137');
  });

  it('that is not there says so with 127', async () => {
    const { status } = await run(['no-such-program']);
    expect(status.message).toContain('"no-such-program": executable file not found');
    expect(status.details?.causes?.[0]?.message).toBe('127');
  });

  it('with a terminal has one, and its size', async () => {
    const { stdout } = await run(['sh', '-c', 'tty >/dev/null && echo yes'], undefined, true);
    expect(stdout).toBe('yes\r\n');
  });

  it('can say more than fits into any buffer', async () => {
    const { stdout } = await run(['sh', '-c', 'head -c 20000000 /dev/zero | tr "\\0" x']);
    expect(stdout.length).toBe(20_000_000);
  });

  it('ends when the client leaves', async () => {
    const stdout = new PassThrough();
    const socket = await new Exec(config).exec(
      'ns-a',
      'blog-0',
      'sandbox',
      ['sh', '-c', 'echo $$; sleep 600'],
      stdout,
      null,
      null,
      false,
    );
    const pid = await new Promise<number>((resolve) => {
      stdout.once('data', (data: Buffer) => {
        resolve(Number(data.toString()));
      });
    });
    socket.close();
    const gone = (): true | undefined => {
      try {
        process.kill(pid, 0);
        return undefined;
      } catch {
        return true;
      }
    };
    expect(await pollUntil(gone, { everyMs: 20, deadlineMs: 45_000 })).toBe(true);
  });

  it('needs the token, and a pod that is there', async () => {
    const stranger = new KubeConfig();
    stranger.loadFromString(config.exportConfig().replace(TOKEN, 'another'));
    for (const [who, pod] of [
      [stranger, 'blog-0'],
      [config, 'none'],
    ] as const)
      await expect(
        new Exec(who).exec('ns-a', pod, 'sandbox', ['id'], new PassThrough(), null, null, false),
      ).rejects.toBeDefined();
  });
});

describe.skipIf(skipWithoutKubectl)('stock kubectl', () => {
  it('runs a program and ends with its code', async () => {
    const { code, stdout } = await kubectl.run(
      'exec',
      '-n',
      'ns-a',
      'blog-0',
      '--',
      'sh',
      '-c',
      'pwd; exit 5',
    );
    expect([code, stdout.trim()]).toEqual([5, work]);
  });

  it('pipes into it, to the end', async () => {
    const child = kubectl.start('exec', '-i', '-n', 'ns-a', 'blog-0', '--', 'sha256sum');
    const data = randomBytes(3_000_000);
    child.stdin.end(data);
    const [said] = (await readAll(child.stdout)).split(' ');
    expect(said).toBe(createHash('sha256').update(data).digest('hex'));
  });

  it('copies a folder in and out', async () => {
    const [from, back] = [join(home, 'from'), join(home, 'back')];
    await mkdir(join(from, 'deep'), { recursive: true });
    const data = randomBytes(2_000_000);
    await writeFile(join(from, 'deep', 'big.bin'), data);
    expect(await kubectl.run('cp', '-n', 'ns-a', from, `blog-0:${work}/into`)).toMatchObject({ code: 0 });
    expect((await readFile(join(work, 'into', 'deep', 'big.bin'))).equals(data)).toBe(true);
    expect(await kubectl.run('cp', '-n', 'ns-a', `blog-0:${work}/into`, back)).toMatchObject({ code: 0 });
    expect((await readFile(join(back, 'deep', 'big.bin'))).equals(data)).toBe(true);
  });
});
