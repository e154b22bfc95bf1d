import { readdir, readFile } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, list, text } from './store/object.js';
import { CLAIM, CLUSTER, isReady, KUSTOMIZATION, POD, TestEngine, until } from './testing/engine-harness.js';
import { blogFiles, FOLDER, keptFiles, NAMESPACE, type BlogOptions } from './testing/manifests.js';
import { MARKERS, processesWith } from './workloads/processes.js';

let engine: TestEngine;

/** fetch() does not let a caller choose the Host header. */
function hostRequest(host: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    httpRequest(
      { host: '127.0.0.1', port: engine.ingressPort, headers: { host, accept: 'text/html' } },
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

describe('Engine', () => {
  beforeEach(async () => {
    engine = await TestEngine.create();
  });

  afterEach(() => engine.remove());

  it('runs what branch rendered says, even if it appears later', async () => {
    await engine.start();
    const commit = await engine.repository.commit(blogFiles());
    await engine.readyPod();
    const kustomization = await engine.applied(commit);
    expect(isReady(kustomization)).toBe(true);
    const { body } = await engine.kube(`/apis/apps/v1/namespaces/${NAMESPACE}/statefulsets/blog`);
    expect(at(body, 'status')).toMatchObject({ replicas: 1, readyReplicas: 1, observedGeneration: 1 });
    expect(
      at(
        (await engine.kube(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`)).body,
        'status',
        'phase',
      ),
    ).toBe('Bound');
  });

  it('opens a terminal in the workspace, with the variables and without the token', async () => {
    await engine.repository.commit(
      blogFiles({ env: { GREETING: 'it\'s "quoted" $(id) `id`\nsecond line\n' } }),
    );
    await engine.start();
    await engine.readyPod();
    const terminal = await engine.shell();
    terminal.type(
      'printf "%s" "$GREETING" | od -An -c | tr -d " \\n"; echo; echo "token=[$TTYD_ACCESS_TOKEN] port=$PORT"; pwd',
    );
    const output = await terminal.waitFor(/token=\[\] port=\d+/);
    expect(output.replaceAll('\r\n', '')).toContain(
      `it'squoted"$(id)\`id\`\\nsecondline\\n`.replace('quoted"', '"quoted"'),
    );
    expect(output).toContain(`port=${await engine.portOf('blog', 'app')}`);
    await terminal.waitFor(/volumes\/ns-abcd1234\/blog--workspace\/workspace/);
  });

  it('brings a changed variable to new shells and leaves running ones alone', async () => {
    await engine.repository.commit(blogFiles({ env: { COLOUR: 'red', GONE: 'soon' } }));
    await engine.start();
    const before = text(await engine.readyPod(), 'metadata', 'uid');
    const first = await engine.shell('first');
    first.type('echo "colour=$COLOUR"');
    await first.waitFor(/colour=red/);
    const commit = await engine.repository.commit(blogFiles({ env: { COLOUR: 'blue' } }));
    await engine.applied(commit);
    const folder = join(engine.home, 'pods', before ?? '', 'volumes', 'env', 'COLOUR');
    await until(
      async () => ((await readFile(folder, 'utf8')) === 'blue' ? true : undefined),
      'the new value is mounted',
    );
    const second = await engine.shell('second');
    second.type('echo "colour=$COLOUR gone=[$GONE]"');
    await second.waitFor(/colour=blue gone=\[\]/);
    first.type('echo "still=$COLOUR"');
    await first.waitFor(/still=red/);
    expect(text((await engine.kube(POD)).body, 'metadata', 'uid')).toBe(before);
  });

  it('runs a database and hands its address to the sandbox', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.readyPod();
    await engine.databasePhase('Running');
    const terminal = await engine.shell();
    terminal.type('echo "url=$DATABASE_URL."');
    const url = /url=(postgresql:\/\/\S+)\./.exec(await terminal.waitFor(/url=postgresql:\S+\./))?.[1] ?? '';
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    expect((await client.query<{ n: number }>('select 1 + 1 as n')).rows).toEqual([{ n: 2 }]);
    await client.end();
  });

  it('ends everything a sandbox started when it is stopped, and keeps its files', async () => {
    await engine.repository.commit(blogFiles());
    await engine.start();
    const uid = text(await engine.readyPod(), 'metadata', 'uid') ?? '';
    const terminal = await engine.shell();
    terminal.type('echo kept > note; nohup setsid sleep 600 & disown -a; echo "started-$((1+1))"');
    await terminal.waitFor(/started-2/);
    const sleeping = await processesWith(MARKERS.pod, uid);
    expect(sleeping.length).toBeGreaterThanOrEqual(2);
    await engine.repository.commit(blogFiles({ replicas: 0 }));
    await engine.gone(POD);
    expect(await processesWith(MARKERS.pod, uid)).toEqual([]);
    await engine.repository.commit(blogFiles());
    await engine.readyPod();
    const again = await engine.shell();
    again.type('cat note');
    await again.waitFor(/kept/);
  });

  it('makes a new pod when the template changes or the pod is deleted', async () => {
    await engine.repository.commit(blogFiles());
    await engine.start();
    const first = text(await engine.readyPod(), 'metadata', 'uid');
    await engine.repository.commit(blogFiles({ restartedAt: '2026-11-23T08:00:00Z' }));
    const second = await until(async () => {
      const { body } = await engine.kube(POD);
      const uid = text(body, 'metadata', 'uid');
      return isReady(body) && uid !== first ? uid : undefined;
    }, 'another pod');
    expect((await engine.kube(POD, { method: 'DELETE' })).status).toBe(200);
    await until(async () => {
      const { body } = await engine.kube(POD);
      return isReady(body) && text(body, 'metadata', 'uid') !== second ? true : undefined;
    }, 'a third pod');
  });

  it('prunes what left the folder, and keeps what is protected', async () => {
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.readyPod();
    await engine.applied(await engine.repository.commit(keptFiles({ database: true })));
    await engine.gone(POD);
    const paths = ['services/blog', 'configmaps/blog--env', 'persistentvolumeclaims/blog--workspace'];
    const statuses = await Promise.all(
      paths.map(async (path) => (await engine.kube(`/api/v1/namespaces/${NAMESPACE}/${path}`)).status),
    );
    expect(statuses).toEqual([404, 404, 200]);
    await engine.databasePhase('Stopped');
    await engine.repository.commit({ 'README.md': 'nothing left' });
    await engine.gone(KUSTOMIZATION);
    expect(
      (await engine.kube(`/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/blog--workspace`)).status,
    ).toBe(200);
  });

  it('deletes data with its object, once nothing uses it any more', async () => {
    const unprotected = (options: BlogOptions): Record<string, string> =>
      Object.fromEntries(
        Object.entries(blogFiles(options)).map(([path, file]) => [path, file.replace('disabled', 'enabled')]),
      );
    await engine.repository.commit(unprotected({ database: true }));
    await engine.start();
    await engine.readyPod();
    const terminal = await engine.shell();
    terminal.type('echo mine > note; echo "written-$((1+1))"');
    await terminal.waitFor(/written-2/);
    await engine.repository.commit({ 'README.md': 'nothing left' });
    await until(
      async () =>
        (await engine.kube(CLUSTER)).status === 404 && (await engine.kube(CLAIM)).status === 404
          ? true
          : undefined,
      'claim and database are gone',
    );
    expect((await engine.kube(POD)).status).toBe(404);
    expect(await readdir(join(engine.home, 'volumes', NAMESPACE))).toEqual([]);
    expect(await readdir(join(engine.home, 'postgres', 'instances'))).toEqual([]);
    expect(JSON.parse(await readFile(join(engine.home, 'state.json'), 'utf8'))).toMatchObject({
      passwords: {},
    });
    await engine.repository.commit(blogFiles());
    await engine.readyPod();
    const again = await engine.shell();
    again.type('ls; echo "empty-$((1+1))"');
    expect(await again.waitFor(/empty-2/)).not.toMatch(/\nnote/);
  });

  it('says what is wrong with a folder, and applies the others', async () => {
    await engine.start();
    const broken = `tenants/ab/${NAMESPACE}/broken/service-x.yaml`;
    await engine.repository.commit({ ...blogFiles(), [broken]: 'kind: [' });
    await engine.readyPod();
    const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${NAMESPACE}/kustomizations/broken`;
    const body = await until(async () => {
      const { body: found } = await engine.kube(path);
      return list(found, 'status', 'conditions')[0] === undefined ? undefined : found;
    }, 'a word about the folder');
    expect(list(body, 'status', 'conditions')[0]).toMatchObject({
      type: 'Ready',
      status: 'False',
      reason: 'BuildFailed',
    });
    expect(text(body, 'status', 'conditions', 0, 'message')).toContain('service-x.yaml is not YAML');
  });

  it('applies nothing outside the namespace of the folder', async () => {
    await engine.start();
    const stranger = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: ns-zzzzzzzz}\n';
    await engine.repository.commit({ [`${FOLDER}/configmap-x.yaml`]: stranger });
    await until(async () => {
      const { body } = await engine.kube(KUSTOMIZATION);
      return text(body, 'status', 'conditions', 0, 'message')?.includes('outside namespace') === true
        ? true
        : undefined;
    }, 'a refusal');
    expect((await engine.kube('/api/v1/namespaces/ns-zzzzzzzz/configmaps/x')).status).toBe(404);
  });

  it('routes the app by its host, and says so while nothing listens', async () => {
    await engine.repository.commit(blogFiles());
    await engine.start();
    await engine.readyPod();
    const port = await engine.portOf('blog', 'app');
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
    await engine.repository.commit(blogFiles({ database: true }));
    await engine.start();
    await engine.readyPod();
    await engine.databasePhase('Running');
    const ports = [
      await engine.portOf('blog', 'app'),
      await engine.portOf('blog--db-postgresql-postgresql', 'tcp-postgresql'),
    ];
    await engine.stop();
    await engine.start();
    await engine.readyPod();
    await engine.databasePhase('Running');
    expect([
      await engine.portOf('blog', 'app'),
      await engine.portOf('blog--db-postgresql-postgresql', 'tcp-postgresql'),
    ]).toEqual(ports);
  });
});

describe('the API', () => {
  beforeAll(async () => {
    engine = await TestEngine.create();
    await engine.repository.commit(blogFiles());
    await engine.start();
    await engine.readyPod();
  });

  afterAll(() => engine.remove());

  it('lets nobody in without the token or by another name', async () => {
    expect((await engine.kube('/api/v1/pods', { token: 'wrong' })).status).toBe(401);
    expect((await engine.kube('/api/v1/pods', { host: 'evil.example.com' })).status).toBe(403);
    expect((await engine.kube('/api/v1/pods')).status).toBe(200);
  });

  it('says that changes go through git', async () => {
    const path = `/api/v1/namespaces/${NAMESPACE}/services/blog`;
    const { status, body } = await engine.kube(path, { method: 'DELETE' });
    expect(status).toBe(405);
    expect(text(body, 'message')).toContain('changes go through git');
  });

  it.each(['/api/v1/nothing', '/apis/nowhere.io/v1/things', '/api/v1/namespaces/x/nodes/y', '/%zz'])(
    'answers %s with a Status',
    async (path) => {
      const { status, body } = await engine.kube(path);
      expect([400, 404]).toContain(status);
      expect(body).toMatchObject({ kind: 'Status', status: 'Failure' });
    },
  );

  it('says on its node how sandboxes are kept apart', async () => {
    const { body } = await engine.kube('/api/v1/nodes?fieldSelector=metadata.name%3Dlocal');
    const node = list(body, 'items')[0];
    expect(at(node, 'metadata', 'annotations')).toMatchObject({
      'fullstackagent.dev/isolation': 'none',
      'fullstackagent.dev/runs-as-root': String(process.getuid?.() === 0),
    });
  });
});
