import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { StartProblem } from './problem.js';

/** The one reader of the environment in this process. */

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'a port is a number from 1 to 65535')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, 'a port is a number from 1 to 65535');

const environment = z.object({
  PORT: port.optional(),
  INGRESS_PORT: port.optional(),
  HOST: z.string().default('127.0.0.1'),
  ORIGIN: z.url({ protocol: /^https?$/, error: 'it is an address such as https://example.com' }).optional(),
  ADDRESS_HEADER: z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'it is the name of a header, such as X-Forwarded-For')
    .optional(),
  XFF_DEPTH: z
    .string()
    .regex(/^[1-9]\d?$/, 'it is a whole number from 1 to 99')
    .optional(),
  FULLSTACK_AGENT_HOME: z.string().default('.fullstack-agent'),
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'it is an address such as postgresql://user:password@host:5432/database')
    .optional(),
  CLUSTER: z.enum(['engine', 'kubernetes'], 'it is "engine" or "kubernetes"').default('engine'),
  KUBECONFIG: z.string().optional(),
  PLATFORM_SEED_FILE: z.string().optional(),
  SANDBOX_ISOLATION: z
    .enum(['auto', 'shared-network', 'none'], 'it is "auto", "shared-network" or "none"')
    .default('auto'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], 'it is a level such as "info"')
    .default('info'),
});

/** What a child may know of this machine. Everything else in our environment stays here: it may hold secrets. */
const PASSED_ON = [
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
] as const;

/** A repository somewhere else. The controller reads these, and says what is wrong with one. */
const OF_THE_REMOTE = [
  'GITOPS_REMOTE',
  'GITOPS_REMOTE_USER',
  'GITOPS_REMOTE_TOKEN_FILE',
  'GITOPS_REMOTE_SSH_KEY_FILE',
  'GITOPS_REMOTE_KNOWN_HOSTS_FILE',
  'GITOPS_REMOTE_CA_FILE',
  'GITOPS_REMOTE_MAIN',
  'GITOPS_REMOTE_API',
  'GITOPS_REMOTE_WEBHOOK_SECRET_FILE',
  'GITOPS_REMOTE_FETCH_SECONDS',
  'GITOPS_REMOTE_PUSHES_PER_MINUTE',
  'ACK',
] as const;

/** Who may read the repository with git, and with whom terminals may be shared. The portal reads these. */
const OF_READERS = ['GITOPS_READ_TOKEN_FILE', 'TERMINAL_SHARES'] as const;

export interface Config {
  /** The repository's folder. */
  readonly root: string;
  readonly home: string;
  readonly host: string;
  /** `undefined`: 3000, or the next free one. */
  readonly port: number | undefined;
  /** `undefined`: the one of the last start, or a free one after `port`. */
  readonly ingressPort: number | undefined;
  readonly origin: string | undefined;
  /** Where the proxy in front of the portal says who asks, as the portal reads it. */
  readonly proxy: Readonly<Partial<Record<'ADDRESS_HEADER' | 'XFF_DEPTH', string>>>;
  /** Handed on to the controller, and to nobody else. */
  readonly remote: Readonly<Record<string, string>>;
  /** Handed on to the portal, and to nobody else. */
  readonly readers: Readonly<Record<string, string>>;
  readonly databaseUrl: string | undefined;
  readonly cluster: Cluster;
  /** `none`: plain processes even where this machine could keep them apart; `shared-network`: apart, but on its network. */
  readonly isolation: 'auto' | 'shared-network' | 'none';
  readonly logLevel: string;
  /** The part of the environment that every child gets. */
  readonly childEnvironment: Readonly<Record<string, string>>;
}

export type Cluster =
  | { readonly kind: 'engine' }
  | { readonly kind: 'kubernetes'; readonly kubeconfig: string; readonly seedFile: string | undefined };

/** Throws {@link StartProblem} with a line that names the variable. */
export function readConfig(root: string, env: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable is an unset one: shells and compose files cannot always leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environment.safeParse(given);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw new StartProblem(
      `${issue?.path.join('.') ?? 'The environment'} is not right: ${issue?.message ?? ''}.`,
    );
  }
  const value = result.data;
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(root, path));
  return {
    root,
    home: absolute(value.FULLSTACK_AGENT_HOME),
    host: value.HOST,
    port: value.PORT,
    ingressPort: value.INGRESS_PORT,
    origin: value.ORIGIN === undefined ? undefined : new URL(value.ORIGIN).origin,
    proxy: {
      ...(value.ADDRESS_HEADER === undefined ? {} : { ADDRESS_HEADER: value.ADDRESS_HEADER }),
      ...(value.XFF_DEPTH === undefined ? {} : { XFF_DEPTH: value.XFF_DEPTH }),
    },
    remote: handedOn(given, OF_THE_REMOTE, absolute),
    readers: handedOn(given, OF_READERS, absolute),
    databaseUrl: value.DATABASE_URL,
    cluster: clusterOf(value, absolute),
    isolation: value.SANDBOX_ISOLATION,
    logLevel: value.LOG_LEVEL,
    childEnvironment: childEnvironment(given),
  };
}

function clusterOf(value: z.infer<typeof environment>, absolute: (path: string) => string): Cluster {
  if (value.CLUSTER === 'engine') return { kind: 'engine' };
  if (value.KUBECONFIG === undefined) {
    throw new StartProblem(
      'CLUSTER=kubernetes needs KUBECONFIG: the file that says how to reach the cluster.',
    );
  }
  if (value.DATABASE_URL === undefined) {
    throw new StartProblem(
      'CLUSTER=kubernetes needs DATABASE_URL: a PostgreSQL server for accounts and sessions.',
    );
  }
  const seedFile = value.PLATFORM_SEED_FILE;
  return {
    kind: 'kubernetes',
    kubeconfig: absolute(value.KUBECONFIG),
    seedFile: seedFile === undefined ? undefined : absolute(seedFile),
  };
}

/** Files are named from the repository's folder, like every other one here. */
function handedOn(
  given: Record<string, string | undefined>,
  names: readonly string[],
  absolute: (path: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = given[name];
      if (value === undefined) return [];
      return [[name, name.endsWith('_FILE') ? absolute(value) : value]];
    }),
  );
}

function childEnvironment(given: Record<string, string | undefined>): Record<string, string> {
  const passed: Record<string, string> = { PATH: cleanPath(given['PATH'] ?? '/usr/local/bin:/usr/bin:/bin') };
  for (const name of PASSED_ON) {
    const value = given[name];
    if (value !== undefined) passed[name] = value;
  }
  return { ...passed, NODE_ENV: 'production' };
}

/** `npm start` puts this repository's tools first; a sandbox's terminal is not the place for them. */
function cleanPath(path: string): string {
  const ours = (folder: string): boolean =>
    folder.endsWith(join('node_modules', '.bin')) || folder.endsWith('node-gyp-bin');
  return path
    .split(':')
    .filter((folder) => folder !== '' && !ours(folder))
    .join(':');
}
