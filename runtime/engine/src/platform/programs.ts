import { join } from 'node:path';
import type { Config } from './config.js';
import type { Home } from './home.js';
import type { Ports } from './ports.js';

/** One of the three programs: which script, and all of its environment. */
export interface Program {
  readonly name: 'engine' | 'controller' | 'portal';
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface Place {
  readonly config: Config;
  readonly home: Home;
  readonly ports: Ports;
}

export function engineProgram({ config, home, ports }: Place): Program {
  return {
    name: 'engine',
    script: join(config.root, 'runtime', 'engine', 'dist', 'main.js'),
    env: {
      ...config.childEnvironment,
      ENGINE_HOME: home.engine,
      ENGINE_API_PORT: String(ports.engine),
      INGRESS_PORT: String(ports.ingress),
      GITOPS_REPOSITORY: home.repository,
      SANDBOX_ISOLATION: config.isolation,
      LOG_LEVEL: config.logLevel,
    },
  };
}

export function controllerProgram({ config, home, ports }: Place): Program {
  const { cluster } = config;
  const seedFile = cluster.kind === 'engine' ? home.seed : cluster.seedFile;
  return {
    name: 'controller',
    script: join(config.root, 'controller', 'dist', 'main.js'),
    env: {
      ...config.childEnvironment,
      CONTROLLER_PORT: String(ports.controller),
      GITOPS_REPOSITORY: home.repository,
      CONTROLLER_TOKEN_KEY_FILE: home.tokenKey,
      CLUSTER: cluster.kind,
      KUBECONFIG: cluster.kind === 'engine' ? engineFiles(home).kubeconfig : cluster.kubeconfig,
      ...(cluster.kind === 'engine' ? { APPS_PORT: String(ports.ingress) } : {}),
      ...(seedFile === undefined ? {} : { PLATFORM_SEED_FILE: seedFile }),
      ...config.remote,
      LOG_LEVEL: config.logLevel,
    },
  };
}

export function portalProgram({ config, home, ports }: Place, databaseUrl: string): Program {
  return {
    name: 'portal',
    script: join(config.root, 'webui', 'server.js'),
    env: {
      ...config.childEnvironment,
      HOST: config.host,
      PORT: String(ports.portal),
      ORIGIN: config.origin ?? publicUrl(ports.portal),
      ...config.proxy,
      ...config.readers,
      DATABASE_URL: databaseUrl,
      CONTROLLER_URL: `http://127.0.0.1:${ports.controller}`,
      CONTROLLER_TOKEN_KEY_FILE: home.tokenKey,
      LOG_LEVEL: config.logLevel,
    },
  };
}

export function publicUrl(port: number): string {
  return `http://localhost:${port}`;
}

/** What the engine has written by the time it is ready. */
export function engineFiles(home: Home): { kubeconfig: string; sealingCertificate: string } {
  return {
    kubeconfig: join(home.engine, 'kubeconfig'),
    sealingCertificate: join(home.engine, 'sealing', 'tls.crt'),
  };
}
