import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFolder, temporaryFolder } from '../../support/folders.js';
import { until } from '../../support/until.js';

/** A registry on loopback, which containerd asks without TLS, and images of a small web server to put there. */
export class Registry {
  readonly address = 'localhost:5000';
  readonly #folder = temporaryFolder('registry');
  #child: ChildProcess | undefined;

  async start(): Promise<void> {
    const config = join(this.#folder, 'config.json');
    const storage = { filesystem: { rootdirectory: join(this.#folder, 'images') } };
    writeFileSync(config, JSON.stringify({ version: 0.1, storage, http: { addr: '127.0.0.1:5000' } }));
    this.#child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    await until('the registry answers', () => this.fetch(`http://${this.address}/v2/`) !== '');
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

  /** Builds an image that answers with this page, and pushes it; answers its name with its digest. */
  push(page: string): string {
    const root = join(this.#folder, 'root');
    mkdirSync(join(root, 'www'), { recursive: true });
    writeFileSync(join(root, 'www', 'index.html'), page);
    execFileSync('cp', [
      '-L',
      execFileSync('which', ['busybox'], { encoding: 'utf8' }).trim(),
      join(root, 'busybox'),
    ]);
    const container = this.#buildah('from', 'scratch');
    this.#buildah('copy', '--quiet', container, root, '/');
    const serve = ['/busybox', 'httpd', '-f', '-p', '3000', '-h', '/www'];
    this.#buildah('config', '--user', '1001', '--cmd', JSON.stringify(serve), container);
    this.#buildah('commit', '--quiet', container, 'localhost/app');
    const file = join(this.#folder, 'digest');
    const to = `docker://${this.address}/app:1`;
    this.#buildah('push', '--quiet', '--tls-verify=false', `--digestfile=${file}`, 'localhost/app', to);
    return `${this.address}/app@${execFileSync('cat', [file], { encoding: 'utf8' }).trim()}`;
  }

  /** What is at an address; empty where nobody answers. */
  fetch(url: string): string {
    try {
      return execFileSync('curl', ['-sS', '-m', '5', url], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch {
      return '';
    }
  }

  #buildah(...args: readonly string[]): string {
    const store = ['--root', join(this.#folder, 'store'), '--runroot', join(this.#folder, 'run')];
    return execFileSync('buildah', ['--storage-driver', 'vfs', ...store, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }
}
