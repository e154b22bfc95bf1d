import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { Terminal } from '../../support/terminal.js';
import { until } from '../../support/until.js';
import { ApiServer } from '../api-server.js';
import { ControllerProcess, type Project } from '../controller.js';
import { Flux } from '../flux.js';
import { GitGateway } from '../git-gateway.js';
import { install } from '../installed.js';
import { missingForNode, Node, SANDBOX_IMAGE, SERVER_FLAGS } from './node.js';
import { Registry } from './registry.js';
import { SealedSecrets } from './sealed-secrets.js';

const missing = missingForNode();
const NAMESPACE = 'ns-nodeadaa';
const PROJECT = `/v1/tenants/${NAMESPACE}/projects/blog`;
/** The first start, under load. */
const DEADLINE = { deadline: 180_000 };
const ODD = 'line1\nline2 $(id) "q" \'s\' ü \\ `x` ${HOME} ';

/**
 * Kubernetes with one node, Flux and Sealed Secrets, all of them the real ones, and the image of the sandbox: from what
 * somebody asks of the controller to a shell in a pod. Not there: KubeBlocks, an ingress controller, a network that
 * enforces policies, DNS.
 */
describe('a sandbox on a node of Kubernetes', () => {
  const server = new ApiServer(SERVER_FLAGS);
  const node = new Node(server);
  const flux = new Flux();
  const sealedSecrets = new SealedSecrets();
  const registry = new Registry();
  const controller = new ControllerProcess((platform) =>
    platform
      .replaceAll('fullstackagent/sandbox:0.1.0', SANDBOX_IMAGE)
      .replace('defaultPreset: medium', 'defaultPreset: small')
      .replace(/^ {2}tenant:$/m, `  release:\n    registries: [${registry.address}/]\n  tenant:`),
  );
  const gateway = new GitGateway(
    {
      get port() {
        return controller.port;
      },
      readerToken: () => controller.readerToken(),
    },
    randomBytes(32).toString('hex'),
  );

  beforeAll(async () => {
    if (missing !== undefined) return;
    node.prepare();
    await install(server);
    await node.start();
    await registry.start();
    await gateway.start();
    await controller.start(server.kubeconfigOf('fullstackagent-system', 'controller'), { DELIVERY: 'flux' });
    sealedSecrets.start(server, controller.sealing);
    await flux.follow(server, controller, gateway);
    await controller.create(NAMESPACE, 'blog');
  });

  afterAll(async () => {
    if (missing !== undefined) return;
    const parts = [flux, sealedSecrets, controller, gateway, registry, node, server];
    const failed: unknown[] = [];
    // One that did not start must not keep the others from their end.
    for (const part of parts)
      await Promise.resolve(part.stop()).catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw new AggregateError(failed);
  });

  beforeEach((context) => {
    context.skip(missing !== undefined, missing);
    onTestFailed(() => {
      process.stderr.write(`${flux.log()}\n${sealedSecrets.log()}\n${node.log()}`);
      process.stderr.write(server.kubectl('get', 'pods,events', '-n', NAMESPACE));
    });
  });

  const project = (): Promise<Project> => controller.project(NAMESPACE, 'blog');

  const becomes = (status: string, deadline = DEADLINE): Promise<Project> =>
    until(
      `blog is ${status}`,
      async () => {
        const now = await project();
        if (now.status !== status) throw new Error(JSON.stringify(now));
        return now;
      },
      deadline,
    );

  const asOwner = (): { authorization: string } => ({ authorization: `Bearer ${controller.ownerToken()}` });

  const filesUrl = (query: Readonly<Record<string, string>>, below = ''): string =>
    `http://127.0.0.1:${controller.port}${PROJECT}/files${below}?${new URLSearchParams(query).toString()}`;

  const inPod = (...command: readonly string[]): string =>
    server.kubectl('exec', '-n', NAMESPACE, 'blog-0', '--', ...command);

  /** What an interactive shell has in a variable. The first one greets, before everything else. */
  const variable = (name: string): string => inPod('bash', '-ic', `printf '[%s]' "$${name}"`);

  const pods = (): string => server.kubectl('get', 'pods', '-n', NAMESPACE, '-o', 'name').trim();

  it('runs, after each step of its start was seen done', async () => {
    const { resources } = await becomes('RUNNING');
    const [sandbox] = resources;
    expect(sandbox?.steps.map(({ state }) => state)).toEqual(sandbox?.steps.map(() => 'done'));
    expect(sandbox?.steps.map(({ label }) => label)).toContain('Image ready');
  });

  it('has a terminal, through the controller, that is an ordinary user in the workspace', async () => {
    const url = `ws://127.0.0.1:${controller.port}${PROJECT}/terminal?session=main`;
    const terminal = await Terminal.connect(url, asOwner());
    expect(await terminal.run('id -un; pwd; hostname')).toMatch(/developer\s+\/workspace\s+blog-0/);
    expect(await terminal.run('claude --version')).toMatch(/Claude Code/);
    await terminal.run('echo kept > kept.txt');
    terminal.close();
  });

  it('takes a file of 50 MB over exec, and gives it back', async () => {
    const bytes = randomBytes(50_000_000);
    const file = filesUrl({ path: 'a folder/big.bin', upload: 'upload0001', size: String(bytes.length) });
    const taken = await fetch(file, { method: 'PUT', headers: asOwner(), body: bytes });
    expect([taken.status, await taken.json()]).toEqual([201, { path: '/workspace/a folder/big.bin' }]);
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(inPod('sha256sum', '/workspace/a folder/big.bin')).toContain(hash);
    const given = await fetch(filesUrl({ path: 'a folder/big.bin' }), { headers: asOwner() });
    expect(Buffer.from(await given.arrayBuffer()).equals(bytes)).toBe(true);
  });

  it('keeps no part of a file that was cut off and given up', async () => {
    const upload = { path: 'half.bin', upload: 'upload0002' };
    const cut = new AbortController();
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        stream.enqueue(randomBytes(1_000_000));
      },
    });
    const request: RequestInit & { duplex: 'half' } = {
      method: 'PUT',
      body,
      duplex: 'half',
      signal: cut.signal,
    };
    const sending = fetch(filesUrl({ ...upload, size: '2000000' }), { ...request, headers: asOwner() });
    const parts = (): string => inPod('find', '/workspace', '-name', '*upload0002*');
    await until('the part is there', () => parts() !== '');
    cut.abort();
    await expect(sending).rejects.toThrow();
    const given = await fetch(filesUrl(upload, '/upload'), { method: 'DELETE', headers: asOwner() });
    expect(given.status).toBe(204);
    await until('nothing of it is left', () => parts() === '');
  });

  it('sees another value of a secret in a new shell, byte for byte, without a restart', async () => {
    const before = server.kubectl('get', 'pod', 'blog-0', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}');
    const { version } = (await controller.call('GET', `${PROJECT}/environment`)) as { version: string };
    const variables = [{ name: 'ODD', value: ODD, secret: true }];
    await controller.call('PUT', `${PROJECT}/environment`, { version, variables });
    // A kubelet looks for other values of a mounted Secret about once a minute.
    await until('the shell has it', () => variable('ODD').includes('line2'), DEADLINE);
    expect(variable('ODD')).toBe(`[${ODD}]`);
    expect(server.kubectl('get', 'pod', 'blog-0', '-n', NAMESPACE, '-o', 'jsonpath={.metadata.uid}')).toBe(
      before,
    );
  });

  it('stops without losing a file, and starts again', async () => {
    await controller.call('POST', `${PROJECT}/stop`);
    await becomes('STOPPED');
    expect(pods()).toBe('');
    await controller.call('POST', `${PROJECT}/start`);
    await becomes('RUNNING');
    expect(inPod('cat', '/workspace/kept.txt')).toBe('kept\n');
  });

  it('releases an image that answers, and says of one that is not there that it cannot be had', async () => {
    const image = registry.push('<h1>released</h1>');
    await controller.call('POST', `${PROJECT}/release`, { image });
    await until('the release answers', () => released().includes('<h1>released</h1>'), DEADLINE);
    await becomes('RUNNING');
    const nowhere = `${image.split('@')[0] ?? ''}@sha256:${'a'.repeat(64)}`;
    await controller.call('POST', `${PROJECT}/release`, { image: nowhere });
    expect(JSON.stringify(await becomes('ERROR'))).toContain('cannot be had');
    expect(released()).toContain('<h1>released</h1>');
    await controller.call('POST', `${PROJECT}/release/rollback`, {});
    await becomes('RUNNING');
  });

  const released = (): string => {
    const of = ['get', 'service', 'blog--release', '-n', NAMESPACE, '-o', 'jsonpath={.spec.clusterIP}'];
    return registry.fetch(`http://${server.kubectl(...of)}:3000/`);
  };

  it('comes back with its files after it was deleted', async () => {
    await controller.call('DELETE', PROJECT);
    await until('its pods are gone', () => pods() === '', DEADLINE);
    expect(server.kubectl('get', 'pvc', 'blog--workspace', '-n', NAMESPACE, '-o', 'name')).toContain('blog');
    await controller.call('POST', `${PROJECT}/restore`);
    await becomes('RUNNING');
    expect(inPod('cat', '/workspace/kept.txt')).toBe('kept\n');
  });

  it('differs in nothing from what was rendered', async () => {
    const { objects, compared } = await controller.drift(NAMESPACE, 'blog');
    expect(compared).toBeGreaterThan(5);
    expect(objects).toEqual([]);
  });
});
