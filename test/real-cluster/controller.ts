import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { until } from '../support/until.js';

export interface Project {
  readonly status: string;
  readonly message?: string;
  readonly freshness: { readonly state: string };
  readonly resources: readonly {
    readonly kind: string;
    readonly waitingFor?: string;
    readonly steps: readonly { readonly label: string; readonly state: string; readonly since?: string }[];
  }[];
}

export interface Drift {
  readonly applied: boolean;
  readonly compared: number;
  readonly objects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly state: string;
    readonly differences: readonly {
      readonly path: string;
      readonly how: string;
      readonly rendered?: string;
      readonly live?: string;
      readonly by: readonly { readonly manager: string; readonly operation: string; readonly at?: string }[];
    }[];
  }[];
}

const OWNER = 'owner00000';
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The built controller as a process, as it would run in a pod: its cluster is told by a kubeconfig. */
export class ControllerProcess {
  readonly #folder = temporaryFolder('controller');
  readonly #key = randomBytes(32);
  readonly repository = join(this.#folder, 'gitops.git');
  #child: ChildProcess | undefined;
  #port = 0;

  /** `edit`: what an operator changes in the platform before the first start. */
  constructor(private readonly edit: (platform: string) => string = (platform) => platform) {}

  get port(): number {
    return this.#port;
  }

  /** What secrets are sealed for, and what opens them. */
  get sealing(): { readonly certificate: string; readonly key: string } {
    return { certificate: join(this.#folder, 'sealing.crt'), key: join(this.#folder, 'sealing.key') };
  }

  /** `example`: the golden platform that the repository begins with. */
  async start(
    kubeconfig: string,
    env: Readonly<Record<string, string>>,
    example = env['DELIVERY'] === 'flux' ? 'flux/platform.yaml' : 'platform.yaml',
  ): Promise<void> {
    this.#port = await freePort();
    writeFileSync(join(this.#folder, 'key'), this.#key.toString('hex'));
    writeFileSync(join(this.#folder, 'platform.yaml'), this.edit(this.#platform(example)));
    this.#child = spawn(process.execPath, [join(ROOT, 'controller', 'dist', 'main.js')], {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        CLUSTER: 'kubernetes',
        ...env,
        KUBECONFIG: kubeconfig,
        CONTROLLER_PORT: String(this.#port),
        GITOPS_REPOSITORY: this.repository,
        CONTROLLER_TOKEN_KEY_FILE: join(this.#folder, 'key'),
        PLATFORM_SEED_FILE: join(this.#folder, 'platform.yaml'),
        OBSERVE_INTERVAL_MS: '200',
      },
    });
    await until('the controller answers', () => this.call('GET', '/v1/platform'));
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    }
    removeFolder(this.#folder);
  }

  /** `input`: what is in the form beside the name. */
  async create(namespace: string, name: string, input: object = {}): Promise<void> {
    await this.call('PUT', `/v1/tenants/${namespace}`, { displayName: 'Ada' });
    await this.call('POST', `/v1/tenants/${namespace}/projects`, { name, ...input });
  }

  async drift(namespace: string, name: string): Promise<Drift> {
    return (await this.call('GET', `/v1/tenants/${namespace}/projects/${name}/drift`)) as Drift;
  }

  /** It stands still, with its connections open, until it may go on. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async project(namespace: string, name: string): Promise<Project> {
    return (await this.call('GET', `/v1/tenants/${namespace}/projects/${name}`)) as Project;
  }

  /** The commit that `rendered` is at. */
  tip(): string {
    return execFileSync('git', ['-C', this.repository, 'rev-parse', 'rendered'], {
      encoding: 'utf8',
    }).trim();
  }

  /** The commit on `rendered`, and the manifests of a folder there as one stream; `undefined` while there are none. */
  rendered(folder: string): { readonly commit: string; readonly manifests: string } | undefined {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', this.repository, ...args], { encoding: 'utf8' });
    const commit = git('rev-parse', 'rendered').trim();
    const files = git('ls-tree', '--name-only', commit, `${folder}/`).split('\n').filter(Boolean);
    if (files.length === 0) return undefined;
    const order = [...files].sort(
      (a, b) => Number(b.includes('/namespace-')) - Number(a.includes('/namespace-')),
    );
    return { commit, manifests: order.map((file) => git('show', `${commit}:${file}`)).join('---\n') };
  }

  /** Writes a file that only this controller reads; answers where. */
  write(name: string, content: string): string {
    const file = join(this.#folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** A golden platform with a certificate of the length that Sealed Secrets makes. */
  #platform(example: string): string {
    const { key, certificate } = this.sealing;
    const made = ['req', '-x509', '-newkey', 'rsa:4096', '-nodes', '-days', '2', '-subj', '/CN=test'];
    execFileSync('openssl', [...made, '-keyout', key, '-out', certificate], { stdio: 'pipe' });
    const text = readFileSync(join(ROOT, 'charts-src', 'golden', example), 'utf8');
    const indented = readFileSync(certificate, 'utf8').trimEnd().replaceAll('\n', '\n      ');
    return text.replace(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/, indented);
  }

  /** What the portal makes of the deploy token: it opens the repository for reading. */
  readerToken(): string {
    return this.#token({ sub: 'deploytoken', name: 'deploy token', repository: 'read' });
  }

  /** For one request of the owner of all projects. */
  ownerToken(): string {
    return this.#token();
  }

  /** As the portal asks: with a token that lives a minute and is good for one request. */
  #token(who: object = { sub: OWNER, name: 'Ada' }): string {
    const now = Math.floor(Date.now() / 1000);
    const jti = randomBytes(16).toString('hex');
    const claims = { iss: 'portal', aud: 'controller', jti, operator: false, ...who };
    const signed = `${base64url({ alg: 'HS256' })}.${base64url({ ...claims, iat: now, exp: now + 60 })}`;
    return `${signed}.${createHmac('sha256', this.#key).update(signed).digest('base64url')}`;
  }

  /** A request to its API as the owner of all projects; throws where the answer is no success. */
  async call(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.#token()}`,
        'Content-Type': 'application/json',
        // While kubectl runs, nobody here sees that the other end closes a connection that was idle for long.
        Connection: 'close',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as unknown;
  }
}
