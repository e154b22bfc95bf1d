import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../../support/folders.js';
import type { ApiServer } from '../api-server.js';
import { Programs } from '../programs.js';
import { BUILT } from './node.js';

/** It knows no kubeconfig: it looks where a pod would find its account. */
const ACCOUNT = '/run/secrets/kubernetes.io/serviceaccount';

/** The controller of Sealed Secrets as a process. Only in a mount namespace of its own. */
export class SealedSecrets {
  readonly #folder = temporaryFolder('sealed-secrets');
  readonly #programs = new Programs(this.#folder);

  /** `keys`: the files of what the platform seals for. */
  start(server: ApiServer, keys: { readonly certificate: string; readonly key: string }): void {
    const [name, space] = ['sealed-secrets', ['-n', 'kube-system']];
    server.kubectl('create', 'serviceaccount', name, ...space);
    const account = `--serviceaccount=kube-system:${name}`;
    server.kubectl('create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', account);
    const files = [`--cert=${keys.certificate}`, `--key=${keys.key}`];
    server.kubectl('create', 'secret', 'tls', 'key', ...space, ...files);
    const active = 'sealedsecrets.bitnami.com/sealed-secrets-key=active';
    server.kubectl('label', 'secret', 'key', ...space, active);
    this.#mountAccount(server, server.kubectl('create', 'token', name, ...space, '--duration=1h').trim());
    this.#programs.start(join(BUILT, 'sealed-secrets-controller'), ['--key-renew-period=0'], {
      env: {
        ...process.env,
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: String(server.port),
        POD_NAMESPACE: 'kube-system',
      },
    });
  }

  async stop(): Promise<void> {
    await this.#programs.end();
    removeFolder(this.#folder);
  }

  log(): string {
    return this.#programs.log();
  }

  #mountAccount(server: ApiServer, token: string): void {
    const files = join(this.#folder, 'account');
    mkdirSync(files);
    writeFileSync(join(files, 'token'), token);
    writeFileSync(join(files, 'namespace'), 'kube-system');
    cpSync(join(server.folder, 'certs', 'apiserver.crt'), join(files, 'ca.crt'));
    mkdirSync(ACCOUNT, { recursive: true });
    execFileSync('mount', ['--bind', files, ACCOUNT]);
  }
}
