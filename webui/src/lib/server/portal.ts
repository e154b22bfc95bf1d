import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConfigError, readConfig, type Config } from './config.js';
import { createFilesProxy } from './files/files-proxy.js';
import { createGitProxy } from './git/git-proxy.js';
import { startServices } from './services.js';
import { serveSockets } from './sockets/upgrade.js';
import { createWebhookProxy } from './webhooks/webhook-proxy.js';

/** What `webui/server.js`, which is outside the bundle, needs of what is inside. It finds it by this symbol. */
export interface Portal {
  readonly host: string;
  readonly port: number;
  /** Resolves when pages can be served; rejects when the portal is closed before. */
  readonly ready: Promise<void>;
  /** Answers requests about the repository, which SvelteKit would hold in memory; false for all others. */
  git(request: IncomingMessage, response: ServerResponse): boolean;
  /** The same for uploads and downloads. */
  files(request: IncomingMessage, response: ServerResponse): boolean;
  /** The same for what the remote says of itself. */
  webhooks(request: IncomingMessage, response: ServerResponse): boolean;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  log(message: string): void;
  close(): Promise<void>;
}

const PORTAL = Symbol.for('fullstackagent.portal');

export function startPortal(): void {
  const config = configOrExit();
  const services = startServices(config);
  const sockets = serveSockets(services);
  const git = createGitProxy(services);
  const files = createFilesProxy(services);
  const webhooks = createWebhookProxy(services.controllers.url);
  const portal: Portal = {
    host: config.host,
    port: config.port,
    ready: services.ready,
    git: (request, response) => git.serve(request, response),
    files: (request, response) => files.serve(request, response),
    webhooks: (request, response) => webhooks.serve(request, response),
    upgrade: (request, socket, head) => {
      sockets.upgrade(request, socket, head);
    },
    log: (message) => {
      services.log.info(message);
    },
    close: async () => {
      sockets.close();
      git.close();
      files.close();
      webhooks.close();
      await services.close();
    },
  };
  // Whoever does not wait for it (vite dev) must not be ended by it.
  portal.ready.catch(() => undefined);
  Object.assign(globalThis, { [PORTAL]: portal });
}

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
