import { readdir, readFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { KubeConfig } from '@kubernetes/client-node';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Engine } from './engine.js';
import { pollUntil } from './files/polling.js';
import { at, list, number, text } from './store/object.js';
import { freePort } from './testing/free-port.js';
import { blogFiles, FOLDER, keptFiles, NAMESPACE, type BlogOptions } from './testing/manifests.js';
import { RenderedRepository } from './testing/rendered-repository.js';
import { MARKERS, processesWith } from './workloads/processes.js';

const bashrc = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.bashrc');

let home: string;
let repository: RenderedRepository;
let engine: Engine | undefined;
let ingressPort: number;
const sockets: WebSocket[] = [];

async function start(): Promise<void> {
  ingressPort = await freePort();
  const config = {
    home,
    apiPort: await freePort(),
    ingressPort,
    repository: repository.path,
    logLevel: 'silent',
    bashrc,
    sandboxPath: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
  };
  engine = new Engine(config, pino({ level: 'silent' }));
  await engine.start();
}

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsa-engine-'));
  repository = await RenderedRepository.create();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.terminate();
  await engine?.stop();
  engine = undefined;
  await repository.remove();
  await rm(home, { recursive: true, force: true });
});

/** One request with what the kubeconfig says, as a Kubernetes client would make it. */
async function kube(
  path: string,
  init: { method?: string; token?: string; host?: string } = {},
): Promise<{ status: number; body: unknown }> {
  const config = new KubeConfig();
  config.loadFromFile(join(home, 'kubeconfig'));
  const { server = '', caData = '' } = config.getCurrentCluster() ?? {};
  const token = init.token ?? config.getCurrentUser()?.token ?? '';
  return new Promise((resolve, reject) => {
    const request = https.request(
      `${server}${path}`,
      {
        method: init.method ?? 'GET',
        ca: Buffer.from(caData, 'base64'),
        // The certificate is for the address, whatever the Host header says.
        servername: '',
        checkServerIdentity: () => undefined,
        headers: {
          authorization: `Bearer ${token}`,
          ...(init.host === undefined ? {} : { host: init.host }),
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString()) as unknown,
          });
        });
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const POD = `/api/v1/namespaces/${NAMESPACE}/pods/blog-0`;
const CLUSTER = `/apis/apps.kubeblocks.io/v1/namespaces/${NAMESPACE}/clusters/blog--db`;
const CLAIM = `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`;
const KUSTOMIZATION = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${NAMESPACE}/kustomizations/blog`;

async function until<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
  const found = await pollUntil(ask, { everyMs: 30, deadlineMs: 12_000 });
  if (found === undefined) throw new Error(`It never came to this: ${what}`);
  return found;
}

const ready = (object: unknown): boolean =>
  list(object, 'status', 'conditions').some(
    (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
  );

const readyPod = (): Promise<unknown> =>
  until(async () => {
    const { body } = await kube(POD);
    return ready(body) && at(body, 'metadata', 'deletionTimestamp') === undefined ? body : undefined;
  }, 'a ready pod');

const applied = (commit: string): Promise<unknown> =>
  until(async () => {
    const { body } = await kube(KUSTOMIZATION);
    return text(body, 'status', 'lastAppliedRevision') === `rendered@sha1:${commit}` ? body : undefined;
  }, 'the commit is applied');

async function portOf(service: string, name: string): Promise<number> {
  const { body } = await kube(`/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices/${service}`);
  return (
    number(
      list(body, 'ports').find((port) => text(port, 'name') === name),
      'port',
    ) ?? 0
  );
}

/** A shell in the sandbox: what it prints, and a way to type. */
async function shell(
  session = 'main',
): Promise<{ type: (text: string) => void; waitFor: (pattern: RegExp) => Promise<string> }> {
  const credential = Buffer.from('user:blog-token').toString('base64');
  const socket = new WebSocket(`ws://127.0.0.1:${await portOf('blog', 'ttyd')}/ws?arg=${session}`, 'tty', {
    headers: { authorization: `Basic ${credential}` },
  });
  sockets.push(socket);
  let output = '';
  socket.on('message', (data: Buffer) => {
    if (data[0] === 0x30) output += data.subarray(1).toString('utf8');
  });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.send(Buffer.from(JSON.stringify({ AuthToken: credential, columns: 200, rows: 30 })));
  return {
    type: (line) => {
      socket.send(Buffer.from(`0${line}\r`));
    },
    waitFor: (pattern) =>
      until(
        () => Promise.resolve(pattern.test(output) ? output : undefined),
        `${pattern.source} in ${output}`,
      ),
  };
}

describe('Engine', () => {
  it('runs what branch rendered says, even if it appears later', async () => {
    await start();
    const commit = await repository.commit(blogFiles());
    await readyPod();
    const kustomization = await applied(commit);
    expect(ready(kustomization)).toBe(true);
    const { body } = await kube(`/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets/blog`);
    expect(at(body, 'status')).toMatchObject({ replicas: 1, readyReplicas: 1, observedGeneration: 1 });
    expect(
      at(
        (await kube(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`)).body,
        'status',
        'phase',
      ),
    ).toBe('Bound');
  });

  it('opens a terminal in the workspace, with the variables and without the token', async () => {
    await repository.commit(blogFiles({ env: { GREETING: 'it\'s "quoted" $(id) `id`\nsecond line\n' } }));
    await start();
    await readyPod();
    const terminal = await shell();
    terminal.type(
      'printf "%s" "$GREETING" | od -An -c | tr -d " \\n"; echo; echo "token=[$TTYD_ACCESS_TOKEN] port=$PORT"; pwd',
    );
    const output = await terminal.waitFor(/token=\[\] port=\d+/);
    expect(output.replaceAll('\r\n', '')).toContain(
      `it'squoted"$(id)\`id\`\\nsecondline\\n`.replace('quoted"', '"quoted"'),
    );
    expect(output).toContain(`port=${await portOf('blog', 'app')}`);
    await terminal.waitFor(/volumes\/ns-abcd1234\/blog--workspace\/workspace/);
  });

  it('brings a changed variable to new shells and leaves running ones alone', async () => {
    await repository.commit(blogFiles({ env: { COLOUR: 'red', GONE: 'soon' } }));
    await start();
    const before = text(await readyPod(), 'metadata', 'uid');
    const first = await shell('first');
    first.type('echo "colour=$COLOUR"');
    await first.waitFor(/colour=red/);
    const commit = await repository.commit(blogFiles({ env: { COLOUR: 'blue' } }));
    await applied(commit);
    const folder = join(home, 'pods', before ?? '', 'volumes', 'env', 'COLOUR');
    await until(
      async () => ((await readFile(folder, 'utf8')) === 'blue' ? true : undefined),
      'the new value is mounted',
    );
    const second = await shell('second');
    second.type('echo "colour=$COLOUR gone=[$GONE]"');
    await second.waitFor(/colour=blue gone=\[\]/);
    first.type('echo "still=$COLOUR"');
    await first.waitFor(/still=red/);
    expect(text((await kube(POD)).body, 'metadata', 'uid')).toBe(before);
  });

  it('runs a database and hands its address to the sandbox', async () => {
    await repository.commit(blogFiles({ database: true }));
    await start();
    await readyPod();
    await until(
      async () => (text((await kube(CLUSTER)).body, 'status', 'phase') === 'Running' ? true : undefined),
      'a running database',
    );
    const terminal = await shell();
    terminal.type('echo "url=$DATABASE_URL."');
    const url = /url=(postgresql:\/\/\S+)\./.exec(await terminal.waitFor(/url=postgresql:\S+\./))?.[1] ?? '';
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    expect((await client.query<{ n: number }>('select 1 + 1 as n')).rows).toEqual([{ n: 2 }]);
    await client.end();
  });

  it('ends everything a sandbox started when it is stopped, and keeps its files', async () => {
    await repository.commit(blogFiles());
    await start();
    const uid = text(await readyPod(), 'metadata', 'uid') ?? '';
    const terminal = await shell();
    terminal.type('echo kept > note; nohup setsid sleep 600 & disown -a; echo "started-$((1+1))"');
    await terminal.waitFor(/started-2/);
    const sleeping = await processesWith(MARKERS.pod, uid);
    expect(sleeping.length).toBeGreaterThanOrEqual(2);
    await repository.commit(blogFiles({ replicas: 0 }));
    await until(async () => ((await kube(POD)).status === 404 ? true : undefined), 'the pod is gone');
    expect(await processesWith(MARKERS.pod, uid)).toEqual([]);
    await repository.commit(blogFiles());
    await readyPod();
    const again = await shell();
    again.type('cat note');
    await again.waitFor(/kept/);
  });

  it('makes a new pod when the template changes or the pod is deleted', async () => {
    await repository.commit(blogFiles());
    await start();
    const first = text(await readyPod(), 'metadata', 'uid');
    await repository.commit(blogFiles({ restartedAt: '2026-11-23T08:00:00Z' }));
    const second = await until(async () => {
      const { body } = await kube(POD);
      const uid = text(body, 'metadata', 'uid');
      return ready(body) && uid !== first ? uid : undefined;
    }, 'another pod');
    expect((await kube(POD, { method: 'DELETE' })).status).toBe(200);
    await until(async () => {
      const { body } = await kube(POD);
      return ready(body) && text(body, 'metadata', 'uid') !== second ? true : undefined;
    }, 'a third pod');
  });

  it('prunes what left the folder, and keeps what is protected', async () => {
    await repository.commit(blogFiles({ database: true }));
    await start();
    await readyPod();
    await applied(await repository.commit(keptFiles({ database: true })));
    await until(async () => ((await kube(POD)).status === 404 ? true : undefined), 'the pod is gone');
    const paths = ['services/blog', 'configmaps/blog--env', 'persistentvolumeclaims/blog--workspace'];
    const statuses = await Promise.all(
      paths.map(async (path) => (await kube(`/api/v1/namespaces/${NAMESPACE}/${path}`)).status),
    );
    expect(statuses).toEqual([404, 404, 200]);
    await until(
      async () => (text((await kube(CLUSTER)).body, 'status', 'phase') === 'Stopped' ? true : undefined),
      'a stopped database',
    );
    await repository.commit({ 'README.md': 'nothing left' });
    await until(
      async () => ((await kube(KUSTOMIZATION)).status === 404 ? true : undefined),
      'the folder is forgotten',
    );
    expect(
      (await kube(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`)).status,
    ).toBe(200);
  });

  it('deletes data with its object, once nothing uses it any more', async () => {
    const unprotected = (options: BlogOptions): Record<string, string> =>
      Object.fromEntries(
        Object.entries(blogFiles(options)).map(([path, file]) => [path, file.replace('disabled', 'enabled')]),
      );
    await repository.commit(unprotected({ database: true }));
    await start();
    await readyPod();
    const terminal = await shell();
    terminal.type('echo mine > note; echo "written-$((1+1))"');
    await terminal.waitFor(/written-2/);
    await repository.commit({ 'README.md': 'nothing left' });
    await until(
      async () =>
        (await kube(CLUSTER)).status === 404 && (await kube(CLAIM)).status === 404 ? true : undefined,
      'claim and database are gone',
    );
    expect((await kube(POD)).status).toBe(404);
    expect(await readdir(join(home, 'volumes', NAMESPACE))).toEqual([]);
    expect(await readdir(join(home, 'postgres', 'instances'))).toEqual([]);
    expect(JSON.parse(await readFile(join(home, 'state.json'), 'utf8'))).toMatchObject({ passwords: {} });
    await repository.commit(blogFiles());
    await readyPod();
    const again = await shell();
    again.type('ls; echo "empty-$((1+1))"');
    expect(await again.waitFor(/empty-2/)).not.toMatch(/\nnote/);
  });

  it('says what is wrong with a folder, and applies the others', async () => {
    await start();
    const broken = `tenants/ab/${NAMESPACE}/broken/service-x.yaml`;
    await repository.commit({ ...blogFiles(), [broken]: 'kind: [' });
    await readyPod();
    const { body } = await kube(
      `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${NAMESPACE}/kustomizations/broken`,
    );
    expect(list(body, 'status', 'conditions')[0]).toMatchObject({
      type: 'Ready',
      status: 'False',
      reason: 'BuildFailed',
    });
    expect(text(body, 'status', 'conditions', 0, 'message')).toContain('service-x.yaml is not YAML');
  });

  it('applies nothing outside the namespace of the folder', async () => {
    await start();
    const stranger = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: ns-zzzzzzzz}\n';
    await repository.commit({ [`${FOLDER}/configmap-x.yaml`]: stranger });
    await until(async () => {
      const { body } = await kube(KUSTOMIZATION);
      return text(body, 'status', 'conditions', 0, 'message')?.includes('outside namespace') === true
        ? true
        : undefined;
    }, 'a refusal');
    expect((await kube('/api/v1/namespaces/ns-zzzzzzzz/configmaps/x')).status).toBe(404);
  });

  it('routes the app by its host, and says so while nothing listens', async () => {
    await repository.commit(blogFiles());
    await start();
    await readyPod();
    const port = await portOf('blog', 'app');
    const app = createServer((_request, response) => response.end('hello from the app'));
    expect((await hostRequest('abcdefabcdef.localhost')).status).toBe(502);
    await new Promise<void>((resolve) => {
      app.listen(port, '127.0.0.1', () => {
        resolve();
      });
    });
    try {
      expect((await hostRequest('abcdefabcdef.localhost')).body).toBe('hello from the app');
    } finally {
      app.close();
    }
  });

  it('comes back the same after it was restarted', async () => {
    await repository.commit(blogFiles({ database: true }));
    await start();
    await readyPod();
    const ports = [
      await portOf('blog', 'app'),
      await portOf('blog--db-postgresql-postgresql', 'tcp-postgresql'),
    ];
    await engine?.stop();
    await start();
    await readyPod();
    expect([
      await portOf('blog', 'app'),
      await portOf('blog--db-postgresql-postgresql', 'tcp-postgresql'),
    ]).toEqual(ports);
  });
});

/** fetch() does not let a caller choose the Host header. */
function hostRequest(host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(
      { host: '127.0.0.1', port: ingressPort, headers: { host, accept: 'text/html' } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
        });
      },
    )
      .on('error', reject)
      .end();
  });
}

describe('the API', () => {
  it('lets nobody in without the token or by another name', async () => {
    await start();
    expect((await kube('/api/v1/pods', { token: 'wrong' })).status).toBe(401);
    expect((await kube('/api/v1/pods', { host: 'evil.example.com' })).status).toBe(403);
    expect((await kube('/api/v1/pods')).status).toBe(200);
  });

  it('says that changes go through git', async () => {
    await repository.commit(blogFiles());
    await start();
    await readyPod();
    const { status, body } = await kube(`/api/v1/namespaces/${NAMESPACE}/services/blog`, {
      method: 'DELETE',
    });
    expect(status).toBe(405);
    expect(text(body, 'message')).toContain('changes go through git');
  });

  it.each(['/api/v1/nothing', '/apis/nowhere.io/v1/things', '/api/v1/namespaces/x/nodes/y', '/%zz'])(
    'answers %s with a Status',
    async (path) => {
      await start();
      const { status, body } = await kube(path);
      expect([400, 404]).toContain(status);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure' });
    },
  );

  it('lists in pages', async () => {
    await repository.commit(blogFiles());
    await start();
    await readyPod();
    const path = `/api/v1/namespaces/${NAMESPACE}/services?limit=1`;
    const { body } = await kube(path);
    expect(list(body, 'items')).toHaveLength(1);
    expect(text(body, 'metadata', 'continue')).toBeUndefined();
    const nodes = await kube('/api/v1/nodes?fieldSelector=metadata.name%3Dlocal');
    expect(
      text(list(nodes.body, 'items')[0], 'metadata', 'annotations', 'fullstackagent.dev/isolation'),
    ).toBe('none');
  });
});
