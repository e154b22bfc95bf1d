import { execFile, execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { freePort, removeFolder, ROOT, temporaryFolder } from '../support/folders.js';
import { pathOf } from '../support/capabilities.js';
import { until } from '../support/until.js';
import { Programs } from './programs.js';

const BUILT = join(ROOT, 'node_modules', '.cache', 'real-cluster', 'kube-apiserver');
export const CRDS = join(ROOT, '..', 'shared', 'crds');

function findEtcd(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'etcd')).find((path) => existsSync(path));
}

/** Why there is no real API server on this machine; undefined where there is one. */
export function missingForApiServer(): string | undefined {
  if (findEtcd() === undefined) return 'needs etcd on the PATH (Debian: etcd-server)';
  if (!existsSync(BUILT)) return 'needs kube-apiserver: test/real-cluster/build-api-server.sh builds it';
  if (!existsSync(CRDS)) return 'needs the CRDs in ../shared/crds, beside the repository';
  return undefined;
}

/** etcd and kube-apiserver on loopback, with RBAC: what is written there is checked by Kubernetes itself. */
export class ApiServer {
  readonly folder = temporaryFolder('api-server');
  readonly kubeconfig = join(this.folder, 'kubeconfig');
  readonly #token = randomBytes(16).toString('hex');
  readonly #programs = new Programs(this.folder);
  #port = 0;
  #etcd = '';

  /** `flags`: of kube-apiserver, beside those that every test needs. */
  constructor(private readonly flags: Readonly<Record<string, string>> = {}) {}

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    const [port, client, peer] = [await freePort(), await freePort(), await freePort()];
    this.#port = port;
    this.#writeKeys();
    this.#run(findEtcd() ?? '', {
      'data-dir': join(this.folder, 'etcd'),
      'listen-client-urls': `http://127.0.0.1:${client}`,
      'advertise-client-urls': `http://127.0.0.1:${client}`,
      'listen-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-cluster': `default=http://127.0.0.1:${peer}`,
    });
    this.#etcd = `http://127.0.0.1:${client}`;
    this.#serve();
    writeFileSync(this.kubeconfig, this.#config(this.#token));
    await this.#ready();
  }

  /** The API server dies and comes back, at the same address with the same objects; etcd goes on. */
  async restart(): Promise<void> {
    // At once: a server that ends in good order waits a minute for those who watch it.
    await this.#programs.endLast('SIGKILL');
    this.#serve();
    await this.#ready();
  }

  #serve(): void {
    this.#run(BUILT, {
      'etcd-servers': this.#etcd,
      'cert-dir': join(this.folder, 'certs'),
      'bind-address': '127.0.0.1',
      'secure-port': String(this.#port),
      'service-cluster-ip-range': '10.96.0.0/16',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-signing-key-file': join(this.folder, 'sa.key'),
      'service-account-key-file': join(this.folder, 'sa.pub'),
      'token-auth-file': join(this.folder, 'tokens.csv'),
      'authorization-mode': 'RBAC',
      ...this.flags,
    });
  }

  async #ready(): Promise<void> {
    await until('the API server is ready', () => this.#isReady(), { deadline: 90_000 });
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    removeFolder(this.folder);
  }

  /** kubectl as a member of system:masters, or as whom `--as` names; throws with what it said. */
  kubectl(...args: readonly string[]): string {
    return this.kubectlWith('', ...args);
  }

  kubectlWith(input: string, ...args: readonly string[]): string {
    return execFileSync(pathOf('kubectl'), ['--kubeconfig', this.kubeconfig, ...args], {
      encoding: 'utf8',
      input,
      timeout: 60_000,
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, HOME: this.folder },
    });
  }

  /** Answers yes or no. */
  can(account: string, ...args: readonly string[]): Promise<boolean> {
    const asked = ['--kubeconfig', this.kubeconfig, 'auth', 'can-i', ...args, `--as=${account}`];
    return new Promise((resolve, reject) => {
      execFile(pathOf('kubectl'), asked, { env: { ...process.env, HOME: this.folder } }, (_, out, said) => {
        const answer = out.trim();
        if (answer === 'yes' || answer === 'no') resolve(answer === 'yes');
        else reject(new Error(`kubectl auth can-i ${args.join(' ')}: ${said}`));
      });
    });
  }

  /** A kubeconfig of a service account, as a pod of it would have one. */
  kubeconfigOf(namespace: string, account: string): string {
    const file = join(this.folder, `${namespace}-${account}`);
    writeFileSync(file, this.#config(this.kubectl('create', 'token', account, '-n', namespace).trim()));
    return file;
  }

  #writeKeys(): void {
    mkdirSync(join(this.folder, 'certs'));
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    writeFileSync(join(this.folder, 'sa.key'), privateKey, { mode: 0o600 });
    writeFileSync(join(this.folder, 'sa.pub'), publicKey);
    writeFileSync(join(this.folder, 'tokens.csv'), `${this.#token},admin,admin,system:masters\n`, {
      mode: 0o600,
    });
  }

  #run(program: string, flags: Readonly<Record<string, string>>): void {
    this.#programs.start(
      program,
      Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
    );
  }

  #isReady(): boolean {
    return this.kubectl('get', '--raw', '/readyz').trim() === 'ok';
  }

  #config(token: string): string {
    const server = `https://127.0.0.1:${this.#port}`;
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    });
  }
}
