import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT } from 'jose';
import { dump } from 'js-yaml';
import { pino } from 'pino';
import type { ProjectDto } from '../contract/projects.js';
import { readConfig } from '../config.js';
import { startController, type Controller } from '../controller.js';
import { ClusterForTests } from '../shared/cluster-for-tests.js';

/** The whole controller over a new repository and a cluster of the tests' own: what the portal would talk to. */

export const NAMESPACE = 'ns-abcd1234';
export const people = {
  owner: 'owner00000',
  maintainer: 'maintain00',
  viewer: 'viewer0000',
  stranger: 'stranger00',
  operator: 'operator00',
} as const;
export type Person = keyof typeof people;

export const SETS = '/apis/apps/v1/statefulsets';
export const DEPLOYMENTS = '/apis/apps/v1/deployments';
export const PODS = '/api/v1/pods';
export const VOLUMES = '/api/v1/persistentvolumeclaims';
export const SEALED = '/apis/bitnami.com/v1alpha1/sealedsecrets';
export const APPLIERS = '/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations';
export const CLUSTERS = '/apis/apps.kubeblocks.io/v1/clusters';
export const SECRETS = `/api/v1/namespaces/${NAMESPACE}/secrets`;
export const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

const KEY = Buffer.alloc(32, 7);

export interface TokenChanges {
  readonly sub?: string;
  /** `undefined` as a value: none at all. */
  readonly id?: string | undefined;
  readonly key?: Uint8Array;
  readonly audience?: string;
  readonly issuer?: string;
  readonly issuedAt?: number;
  readonly expiresAt?: number;
}

export function tokenOf(person: Person, changes: TokenChanges = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const id = 'id' in changes ? changes.id : randomUUID();
  return new SignJWT({
    name: `The ${person}`,
    operator: person === 'operator',
    ...(id === undefined ? {} : { jti: id }),
  })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(changes.issuer ?? 'portal')
    .setAudience(changes.audience ?? 'controller')
    .setSubject(changes.sub ?? people[person])
    .setIssuedAt(changes.issuedAt ?? now)
    .setExpirationTime(changes.expiresAt ?? now + 60)
    .sign(changes.key ?? KEY);
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Call {
  readonly as?: Person;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export class ControllerForTests {
  readonly folder: string;
  readonly cluster: ClusterForTests;
  readonly logged: string[];
  readonly #env: NodeJS.ProcessEnv;
  #controller: Controller;

  private constructor(parts: {
    folder: string;
    cluster: ClusterForTests;
    controller: Controller;
    env: NodeJS.ProcessEnv;
    logged: string[];
  }) {
    this.folder = parts.folder;
    this.cluster = parts.cluster;
    this.logged = parts.logged;
    this.#controller = parts.controller;
    this.#env = parts.env;
  }

  /** `more`: of the environment. */
  static async start(more: NodeJS.ProcessEnv = {}): Promise<ControllerForTests> {
    const folder = await mkdtemp(join(tmpdir(), 'controller-'));
    const cluster = new ClusterForTests();
    await cluster.start(
      SETS,
      DEPLOYMENTS,
      PODS,
      VOLUMES,
      SEALED,
      APPLIERS,
      CLUSTERS,
      SECRETS,
      SLICES,
      '/api/v1/nodes',
    );
    await cluster.writeKubeconfig(join(folder, 'kubeconfig'));
    await writeFile(join(folder, 'key'), KEY.toString('hex'));
    const repository = join(folder, 'gitops.git');
    await seedRepository(folder, repository);
    const env = {
      CONTROLLER_PORT: '0',
      GITOPS_REPOSITORY: repository,
      CONTROLLER_TOKEN_KEY_FILE: join(folder, 'key'),
      KUBECONFIG: join(folder, 'kubeconfig'),
      APPS_PORT: '8088',
      OBSERVE_INTERVAL_MS: '100',
      // eslint-disable-next-line no-restricted-syntax -- git is found as it is by whoever runs the tests
      PATH: process.env['PATH'],
      ...more,
    };
    const logged: string[] = [];
    return new ControllerForTests({ folder, cluster, controller: await launch(env, logged), env, logged });
  }

  get port(): number {
    return this.#controller.port;
  }

  /** `between`: what happens to its folder meanwhile. */
  async restart(between: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await this.#controller.stop();
    await between();
    this.#controller = await launch(this.#env, this.logged);
  }

  async stop(): Promise<void> {
    await this.#controller.stop();
    await this.cluster.stop();
    await rm(this.folder, { recursive: true });
  }

  async call(method: string, path: string, { as, body, headers = {} }: Call = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}${path}`, {
      method,
      headers: {
        ...(as === undefined ? {} : { Authorization: `Bearer ${await tokenOf(as)}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: jsonOf(text) };
  }

  /** Somebody edits a file of `main` with a stock git and pushes it. */
  async push(path: string, edit: (before: string) => string): Promise<void> {
    const work = join(this.folder, 'work');
    const git = gitIn(work);
    git('pull', '--quiet', '--rebase', join(this.folder, 'gitops.git'), 'main');
    await writeFile(join(work, path), edit(await readFile(join(work, path), 'utf8')));
    git('commit', '--quiet', '--all', '--message', 'By hand');
    git('push', '--quiet', join(this.folder, 'gitops.git'), 'HEAD:main');
  }

  async createProject(input: object): Promise<ProjectDto> {
    const answer = await this.call('POST', `/v1/tenants/${NAMESPACE}/projects`, { as: 'owner', body: input });
    if (answer.status !== 201) throw new Error(answer.text);
    return answer.json['project'] as ProjectDto;
  }
}

/** `main` as a stock git leaves it: a platform, and a tenant with one member of each role. */
async function seedRepository(folder: string, repository: string): Promise<void> {
  const work = join(folder, 'work');
  const git = gitIn(work);
  const tenant = join(work, 'tenants', NAMESPACE.slice(3, 5), NAMESPACE);
  await mkdir(tenant, { recursive: true });
  await writeFile(join(work, 'platform.yaml'), dump(platformForTests(), { noRefs: true }));
  await writeFile(join(tenant, 'tenant.yaml'), dump(tenantForTests(), { noRefs: true }));
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', repository]);
  git('init', '--quiet', '--initial-branch=main');
  git('add', '.');
  git('commit', '--quiet', '--message', 'Begin');
  git('push', '--quiet', repository, 'main');
}

function gitIn(folder: string): (...args: string[]) => void {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@localhost'];
  return (...args) => {
    execFileSync('git', ['-C', folder, ...identity, ...args], { stdio: 'pipe' });
  };
}

function tenantForTests(): object {
  const members = (['owner', 'maintainer', 'viewer'] as const).map((role) => ({ user: people[role], role }));
  return {
    apiVersion: 'fullstackagent.dev/v1alpha1',
    kind: 'Tenant',
    metadata: { name: NAMESPACE },
    spec: { displayName: 'Test', members },
  };
}

function launch(env: NodeJS.ProcessEnv, logged: string[]): Promise<Controller> {
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(line) });
  return startController(readConfig(env), log);
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** 4096 bits, as the Sealed Secrets layout has it; its private key was thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIFATCCAumgAwIBAgIULCZoh8wFCdRghofg7YkSje5Xb7QwDQYJKoZIhvcNAQEL
BQAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjMxNzE4MTNaGA8yMTI2MTAzMDE3
MTgxM1owDzENMAsGA1UEAwwEdGVzdDCCAiIwDQYJKoZIhvcNAQEBBQADggIPADCC
AgoCggIBALu8IwXgfrpxEhq/l1aVXX2Xkd4EGn9QzOMZ7ck4FH6cQu5Tf9S1BnHd
BktMgLTJCmezD/gP6auIhzkjwoMqT5ncsNh1+uwiHLXyU0XqNV/M8efJh7gFo+7q
mmJeU0DEyLr0pyYu7XsXGc8n6TMd/l2+GFNOt62hBoTgMHQmiQFZxCQThMqLn1vT
Wg+kQomFnRqqiBOc9XNlXvcljwnDBQpHFAd+JtnXcpGBFvgjQMQZlFtU8UhULRDG
dv4CdJGeYzO1Y1ubIkKdvamyBy5cWVpX/l+weabGiO4HtdLYxoGChMn+vdIdKaNL
P/hybymCkhjemMu2DilMbB+mhkfSBe59D6hp9+eZo6lBslVQKtpAagiPL9Gsow8+
LAJ+KUGRSqqmCA+A/GIFC2sNCVjgOvWbxMndkVpcu/v770+rqoDDP/CU1f3MB7YU
sMx9hfFO0rBU3CNqiiePUqORuJiVm8p6cydJQGIE6BpEI1MlR/Dyo2eOJC2IXFFs
B82UUKjsSPWqchLf+vhR7kXG2G/l5tEhSv+qUy6HVQdDNU+nRUkgjek6YMo1g3+1
/0pSKIBg9UPsodmbIOenIC+7vkODa82Pwq3DIHyyYz2QVG5Jd+t+qJbKBStsGZ6D
xIbO4X7Mi1Z8t1XV48qWOwV/Mk60+tsCP10j8XW/dslM43/Sa6jXAgMBAAGjUzBR
MB0GA1UdDgQWBBTEh8o67S+POCymeEEYWtJ1evT69DAfBgNVHSMEGDAWgBTEh8o6
7S+POCymeEEYWtJ1evT69DAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUA
A4ICAQC3K5uJsIkpKqxL+DfUv76M1Bi2BEx8yaALuUJxG/o1iX47Spl4Uk5E6UIW
CJ8NFTB2I1qhwyWWG4gtDCWVUrisbPOoqwc6WWTcMp6Z3onA1lGZJ2QBNu2MvZP/
aIGy7XvLliERhXZcES8LjuRHp3q9nOCzHrqh88QEn/rRngej0Ki4V460MnlbVT0/
ITM3sjBfC1VVhJ9c5g7JfIMHmXq2zVPW9giZ1Zjpvz55L4T96hUCLH9ZIxfbfAO6
oxBi8OuyM58BUsIJ7MgIxehl66eS0K16hce3wBuQDf+QXSOgtQ9PKWXSKw/dxbFI
lbVtnwoPGDV79d0VR5Xo1H31zNjeNSOZeg5xA1PYAvyeNQ4CUioGP4ksyJCxxpEp
nSGw8SasBY2o186N8tFWqSpwY2RrKeLhX/l8FpykcNYgjHQd5Vso39FXY8OYGHSs
USN1MlKD0oKT3tzAVyrA6ijw7poOjVO4VzFdfUgIX5LE278eeMnjFXXQjFBjyp5f
HcXfnlN2J5dsLRzpt9jFSTTPi+J3mylZUQ2Qp9Bp1hEUwVSV2ovwA/8OF4bSO6Lq
k+O8gNAwzUol8llizObWqC54FbPwuiRJLpklAazEP2bEZELVD6kR7IhG2rzahvUH
Gitycwoq3ppnG8JhLX19Oi7BZdvlb9+8ycPZxjFD1kCKqrWGNA==
-----END CERTIFICATE-----
`;

function platformForTests(): object {
  const presets = { small: { cpu: '500m', memory: '512Mi' }, medium: { cpu: '1', memory: '2Gi' } };
  return {
    apiVersion: 'fullstackagent.dev/v1alpha1',
    kind: 'Platform',
    metadata: { name: 'platform' },
    spec: {
      exposure: {
        domain: 'localhost',
        ingressClass: 'local',
        tls: { mode: 'none' },
        ingressNamespace: 'ingress',
      },
      controller: { namespace: 'system', serviceAccount: 'controller' },
      sandbox: {
        defaultImage: 'sandbox:1',
        allowedImages: ['sandbox:1'],
        presets,
        defaultPreset: 'small',
        defaultStorage: '10Gi',
      },
      database: {
        componentDefs: { '16': 'postgresql-16-1.0.2' },
        serviceVersions: { '16': '16.9.0' },
        defaultVersion: '16',
        presets,
        defaultPreset: 'small',
        defaultStorage: '10Gi',
      },
      tenant: {
        quota: { cpu: '64', memory: '128Gi', storage: '1000Gi', pods: 100, volumes: 200 },
        blockedEgress: ['10.0.0.0/8'],
      },
      release: { registries: ['registry.example.com/', 'snapshot.local/'] },
      sealing: { certificate: CERTIFICATE },
      retention: { deletedDays: 14 },
      renderer: { version: '1' },
    },
  };
}
