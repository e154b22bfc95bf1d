import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PassThrough } from 'node:stream';
import {
  ApisApi,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  Log,
  V1ConfigMap,
  VersionApi,
  type V1Status,
} from '@kubernetes/client-node';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS } from '../store/kinds.js';
import { at, list, text } from '../store/object.js';
import { TestEngine, until } from '../testing/engine-harness.js';
import { builtKubectls, Kubectl, kubectlPath } from '../testing/kubectl.js';
import { blogFiles, NAMESPACE } from '../testing/manifests.js';
import { DESCRIPTIONS } from './descriptions.js';

/** Without kubectl its list is skipped, except in CI, which installs it: there it fails. */
const skipWithoutKubectl = kubectlPath === undefined && process.env['CI'] !== 'true';

interface Minor {
  readonly version: string;
  readonly path: string | undefined;
}
/** That of this machine, and those that were built: `kubectl-<version>`. */
const minors: readonly Minor[] = [
  { version: 'of this machine', path: kubectlPath },
  ...builtKubectls.map((path) => ({ version: basename(path).replace('kubectl-', ''), path })),
];
/** Before 1.31 kubectl speaks SPDY to run programs, unless it is told otherwise. */
const needsTelling = (version: string): boolean => Number(/^1\.(\d+)\./.exec(version)?.[1] ?? 31) < 31;

let engine: TestEngine;
let config: KubeConfig;
let home = '';

beforeAll(async () => {
  engine = await TestEngine.create();
  await engine.repository.commit(blogFiles({ database: true }));
  await engine.start();
  await Promise.all([engine.readyPod(), engine.databasePhase('Running')]);
  home = await mkdtemp(join(tmpdir(), 'fsa-conformance-'));
  config = new KubeConfig();
  config.loadFromFile(join(engine.home, 'kubeconfig'));
});

afterAll(async () => {
  await engine.remove();
  await rm(home, { recursive: true, force: true });
});

/** Words by spaces; the namespace goes before what follows `--`. */
function words(line: string): string[] {
  const all = line.split(' ');
  const rest = all.indexOf('--');
  const namespace = line.includes(' -A') ? [] : ['-n', NAMESPACE];
  return rest === -1 ? [...all, ...namespace] : [...all.slice(0, rest), ...namespace, ...all.slice(rest)];
}

describe.skipIf(builtKubectls.length > 0)('kubectl of other minor versions', () => {
  it.skip('is not here: sh test/kubectl/build-kubectl.sh 1.37.2', () => undefined);
});

describe.skipIf(skipWithoutKubectl).each(minors)(
  'kubectl $version (skipped where there is none)',
  (minor) => {
    let kubectl: Kubectl;
    beforeAll(() => {
      const settings = needsTelling(minor.version) ? { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'true' } : {};
      kubectl = new Kubectl(join(engine.home, 'kubeconfig'), home, { path: minor.path, settings });
    });

    it.each<[string, RegExp]>([
      ['version', /^Server Version: v1\.33\.0-fullstackagent$/m],
      ['cluster-info', /running at.*https:\/\/127\.0\.0\.1:/],
      ['api-versions', /^dataprotection\.kubeblocks\.io\/v1alpha1$/m],
      ['api-resources -o wide', /^pods\s+po\s+v1\s+true\s+Pod\s+delete,get,list,watch\s+all$/m],
      ['get pods', /^blog-0\s+1\/1\s+Running\s+0\s/m],
      ['get pods -o wide', /NODE\nblog-0 .*127\.0\.0\.1\s+local/],
      ['get pods -A', /^ns-abcd1234\s+blog-0\s/m],
      ['get pods --show-labels', /fullstackagent\.dev\/project=blog/],
      ['get pods -l fullstackagent.dev/project=blog -o name', /^pod\/blog-0\n$/],
      ['get pods -l fullstackagent.dev/project!=blog -o name', /^$/],
      ['get pods --field-selector status.phase=Running -o name', /^pod\/blog-0\n$/],
      ['get pod blog-0 -o yaml', /^ {2}phase: Running$/m],
      ['get pod blog-0 -o json', /^ {4}"kind": "Pod",$/m],
      ['get pod blog-0 -o jsonpath={.status.phase}', /^Running$/],
      ['get pod blog-0 -o custom-columns=N:.metadata.name --no-headers', /^blog-0\n$/],
      ['get pod blog-0 -o go-template={{.metadata.name}}', /^blog-0$/],
      [
        'get pods,services,pvc -o name',
        /pod\/blog-0\nservice\/blog\n[^]*persistentvolumeclaim\/blog--workspace/,
      ],
      ['get all -A', /statefulset\.apps\/blog\s+1\/1/],
      ['get clusters', /^blog--db\s+postgresql\s+Running\s/m],
      ['get kustomizations -A', /blog\s+True\s/],
      ['get endpoints blog', /^blog\s+127\.0\.0\.1:\d+,127\.0\.0\.1:\d+\s/m],
      ['get endpointslices', /^blog\s/m],
      ['get pods --sort-by=.metadata.name -o name', /^pod\/blog-0\n$/],
      ['get --raw /readyz', /^"ok"$/],
      ['describe pod blog-0', /Started container sandbox/],
      ['describe statefulset blog', /Pods Status:\s+1 Running \/ 0 Waiting/],
      ['describe service blog', /Endpoints:\s+127\.0\.0\.1:\d+/],
      ['describe pvc blog--workspace', /Used By:\s+blog-0/],
      ['describe ingress blog--app', /abcdefabcdef\.localhost/],
      ['describe cluster blog--db', /Phase:\s+Running/],
      ['describe secret blog--terminal', /TTYD_ACCESS_TOKEN: {2}10 bytes/],
      ['describe configmap blog--env', /^Data$/m],
      ['describe kustomization blog', /Last Applied Revision:\s+rendered@sha1:/],
      ['describe node local', /fullstackagent\.dev\/isolation/],
      ['events', /Pod\/blog-0\s+Started container sandbox/],
      ['logs blog-0 --tail=1', /Started: Started container sandbox/],
      ['wait pod/blog-0 --for=condition=Ready --timeout=5s', /^pod\/blog-0 condition met$/m],
      ['wait pod/blog-0 --for=jsonpath={.status.phase}=Running --timeout=5s', /condition met/],
      ['wait cluster/blog--db --for=jsonpath={.status.phase}=Running --timeout=5s', /condition met/],
      ['wait kustomization/blog --for=condition=Ready --timeout=5s', /condition met/],
      ['exec blog-0 -- sh -c echo\thello', /^hello\n$/],
      ['explain pods', /A pod that is deleted comes back/],
      ['explain pods.metadata.labels', /What it is selected by/],
      ['explain clusters.apps.kubeblocks.io', /^GROUP:\s+apps\.kubeblocks\.io$/m],
      ['explain sts.spec', /changes go through git/],
    ])('answers: %s', async (line, pattern) => {
      const said = await kubectl.run(...words(line).map((word) => word.replaceAll('\t', ' ')));
      expect(said).toMatchObject({ code: 0 });
      expect(said.stdout).toMatch(pattern);
    });

    it.each<[string, RegExp]>([
      ['scale statefulset blog --replicas=0', /PATCH is not served here: .* changes go through git/],
      ['label pod blog-0 a=b', /changes go through git/],
      ['annotate pod blog-0 a=b', /changes go through git/],
      ['patch pod blog-0 -p {}', /changes go through git/],
      ['set image statefulset/blog sandbox=x', /changes go through git/],
      ['rollout restart statefulset/blog', /changes go through git/],
      ['create configmap x', /POST is not served here: .* changes go through git/],
      ['create namespace x', /changes go through git/],
      ['run x --image=x', /changes go through git/],
      ['apply -f {file}', /changes go through git/],
      ['apply --server-side -f {file}', /changes go through git/],
      ['replace -f {file}', /changes go through git/],
      ['delete pvc blog--workspace', /DELETE is not served here: .* changes go through git/],
      ['cordon local', /changes go through git/],
      ['port-forward pod/blog-0 1', /"portforward" is not served .* terminal in the portal/],
      ['attach blog-0', /"attach" is not served .* terminal in the portal/],
      ['get nothing', /doesn't have a resource type "nothing"/],
      ['top pod', /Metrics API not available/],
      ['get pods --field-selector spec.secret=1', /cannot be selected by/],
      ['get pods -l a===b', /"=b" is not a label's value/],
    ])('is told why not: %s', async (line, sentence) => {
      const manifest = dump({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'blog--env' } });
      const file = join(home, 'configmap.yaml');
      await writeFile(file, manifest);
      const { stderr } = await kubectl.run(...words(line.replace('{file}', file)));
      expect(stderr).toMatch(sentence);
      expect((await kubectl.run(...words('get pod blog-0 -o jsonpath={.metadata.labels.a}'))).stdout).toBe(
        '',
      );
    });

    it('copies files both ways', async () => {
      const from = join(home, 'there.txt');
      await writeFile(from, 'over and back');
      const into = await kubectl.run('cp', from, `${NAMESPACE}/blog-0:there.txt`);
      expect(into).toMatchObject({ code: 0 });
      const back = await kubectl.run('cp', `${NAMESPACE}/blog-0:there.txt`, join(home, 'back.txt'));
      expect(back).toMatchObject({ code: 0 });
      expect(await readFile(join(home, 'back.txt'), 'utf8')).toBe('over and back');
    });

    it.runIf(needsTelling(minor.version))('is told how to run a program, where it speaks SPDY', async () => {
      const untold = new Kubectl(join(engine.home, 'kubeconfig'), home, { path: minor.path });
      const { code, stderr } = await untold.run(...words('exec blog-0 -- true'));
      expect(code).not.toBe(0);
      expect(stderr).toContain('KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true');
    });

    it('runs a program in a terminal of its own, with its size, and answers its exit code', async () => {
      const terminal = kubectl.inTerminal('exec', '-it', '-n', NAMESPACE, 'blog-0', '--', 'sh');
      let output = '';
      terminal.onData((data) => (output += data));
      const ended = new Promise<number>((resolve) => terminal.onExit(({ exitCode }) => resolve(exitCode)));
      terminal.write('test -t 0 && stty size && read word && echo "got-$word"; exit 7\r');
      await until(() => /^(# )?30 200\r?$/m.test(output) || undefined, 'the size of the terminal');
      terminal.write('typed\r');
      await until(() => output.includes('got-typed') || undefined, 'what was typed');
      expect(await ended).toBe(7);
    });

    it('follows: what is watched, and a log', async () => {
      const watching = kubectl.start('get', 'pods', '-n', NAMESPACE, '-w', '-o', 'name');
      const following = kubectl.start('logs', '-f', 'blog-0', '-n', NAMESPACE);
      const said = new Map([
        [watching, ''],
        [following, ''],
      ]);
      try {
        for (const child of said.keys())
          child.stdout.on('data', (data: Buffer) =>
            said.set(child, (said.get(child) ?? '') + data.toString()),
          );
        await until(() => said.get(watching)?.includes('pod/blog-0') || undefined, 'a first line');
        await until(() => said.get(following)?.includes('Started: ') || undefined, 'the log');
        const ended = once(following, 'close');
        await kubectl.run(...words('delete pod blog-0 --grace-period=1 --wait=false'));
        await until(() => (said.get(watching)?.split('\n').length ?? 0) > 2 || undefined, 'a change');
        await ended;
        await engine.readyPod();
      } finally {
        for (const child of said.keys()) child.kill();
      }
    });

    it('deletes a pod, which comes back as another', async () => {
      const uid = async (): Promise<string> =>
        (await kubectl.run(...words('get pod blog-0 -o jsonpath={.metadata.uid}'))).stdout;
      const before = await uid();
      expect(await kubectl.run(...words('delete pod blog-0 --grace-period=1'))).toMatchObject({ code: 0 });
      await until(async () => !['', before].includes(await uid()) || undefined, 'another pod');
      const ready = await kubectl.run(...words('wait pod/blog-0 --for=condition=Ready --timeout=45s'));
      expect(ready).toMatchObject({ code: 0 });
    });
  },
);

describe('the official client library', () => {
  it('finds versions, groups and kinds', async () => {
    expect((await config.makeApiClient(VersionApi).getCode()).gitVersion).toBe('v1.33.0-fullstackagent');
    const groups = (await config.makeApiClient(ApisApi).getAPIVersions()).groups.map(({ name }) => name);
    expect(groups).toContain('apps.kubeblocks.io');
    const apps = await config.makeApiClient(AppsV1Api).getAPIResources();
    expect(apps.resources.map(({ kind }) => kind)).toEqual(['StatefulSet', 'Deployment']);
  });

  it('reads, lists and follows custom objects as any other', async () => {
    const custom = config.makeApiClient(CustomObjectsApi);
    const where = { group: 'apps.kubeblocks.io', version: 'v1', namespace: NAMESPACE, plural: 'clusters' };
    const all: unknown = await custom.listNamespacedCustomObject(where);
    expect(list(all, 'items').map((item) => text(item, 'metadata', 'name'))).toEqual(['blog--db']);
    const one: unknown = await custom.getNamespacedCustomObject({ ...where, name: 'blog--db' });
    expect(text(one, 'status', 'phase')).toBe('Running');
  });

  it('runs a program and reads a log', async () => {
    await engine.readyPod();
    const stdout = new PassThrough();
    let said = '';
    stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const status = await new Promise<V1Status>((resolve, reject) => {
      const command = ['sh', '-c', 'echo from inside; exit 3'];
      const streams = [stdout, null, null, false] as const;
      new Exec(config)
        .exec(NAMESPACE, 'blog-0', 'sandbox', command, ...streams, (ended) => {
          resolve(ended);
        })
        .catch(reject);
    });
    expect(status.status).toBe('Failure');
    await until(() => said === 'from inside\n' || undefined, 'what it said');
    const log = new PassThrough();
    let lines = '';
    log.on('data', (chunk: Buffer) => (lines += chunk.toString()));
    await new Log(config).log(NAMESPACE, 'blog-0', 'sandbox', log, { tailLines: 5 });
    await until(() => (lines.includes('Started') ? true : undefined), 'the log');
  });

  it('is refused a change with a status that it understands', async () => {
    const api = config.makeApiClient(CoreV1Api);
    const made = api.createNamespacedConfigMap({ namespace: NAMESPACE, body: new V1ConfigMap() });
    await expect(made).rejects.toMatchObject({ code: 405 });
    const changed = api.patchNamespacedPod({ name: 'blog-0', namespace: NAMESPACE, body: {} });
    await expect(changed).rejects.toMatchObject({ code: 405 });
  });
});

describe('what describes the API', () => {
  const open = async (path: string): Promise<unknown> => {
    const { status, body } = await engine.kube(path);
    expect(status, path).toBe(200);
    return body;
  };

  /** Every `$ref` of a document leads somewhere in it. */
  function dangling(document: unknown): string[] {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    return refs.filter((ref) => at(document, ...ref.split('/')) === undefined);
  }

  it('has every kind, in version 3 by groups and in version 2 as a whole', async () => {
    const paths = at(await open('/openapi/v3'), 'paths') as Record<string, { serverRelativeURL: string }>;
    const described: string[] = [];
    for (const { serverRelativeURL } of Object.values(paths)) {
      const document = await open(serverRelativeURL);
      expect(dangling(document)).toEqual([]);
      described.push(...Object.keys(at(document, 'components', 'schemas') as object));
    }
    const whole = await open('/openapi/v2');
    expect(dangling(whole)).toEqual([]);
    const names = Object.keys(at(whole, 'definitions') as object);
    for (const { version, kind } of KINDS) {
      const name = `.${version}.${kind}`;
      expect(
        described.some((one) => one.endsWith(name)),
        kind,
      ).toBe(true);
      expect(
        names.some((one) => one.endsWith(name)),
        kind,
      ).toBe(true);
      expect(DESCRIPTIONS[kind], kind).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('says nothing to who has no token, and nothing of what is not there', async () => {
    expect((await engine.kube('/openapi/v3', { token: 'wrong' })).status).toBe(401);
    expect((await engine.kube('/openapi/v3/apis/none/v1')).status).toBe(404);
    expect((await engine.kube('/openapi/v2', { method: 'POST' })).status).toBe(405);
  });
});
