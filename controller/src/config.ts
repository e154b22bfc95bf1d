import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readRemote, remoteVariables, type RemoteConfig } from './remote-config.js';

/** The one reader of the environment in this process. */

function whole(min: number, max: number): z.ZodType<number> {
  const message = `a whole number from ${min} to ${max} is needed`;
  return z.coerce.number(message).int(message).min(min, message).max(max, message);
}

const port = whole(0, 65_535);
const path = z.string().min(1);

const httpUrl = z.url({
  protocol: /^https?$/,
  error: 'an address that starts with http:// or https:// is needed',
});

/** Several addresses with commas between them. */
const httpUrls = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(httpUrl));

const environment = z.object({
  CONTROLLER_PORT: port,
  GITOPS_REPOSITORY: path,
  CONTROLLER_TOKEN_KEY_FILE: path,
  CLUSTER: z.enum(['engine', 'kubernetes']).default('engine'),
  DELIVERY: z.enum(['auto', 'flux', 'argocd']).default('auto'),
  ARGOCD_WEBHOOKS: httpUrls.optional(),
  ARGOCD_WEBHOOK_SECRET_FILE: path.optional(),
  GITOPS_URL: httpUrl.optional(),
  ...remoteVariables,
  REGISTRY_CREDENTIALS_FILE: path.optional(),
  KUBECONFIG: path.optional(),
  APPS_PORT: port.optional(),
  PLATFORM_SEED_FILE: path.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  PATH: z.string().default(''),
  OBSERVE_INTERVAL_MS: whole(100, 60_000).default(3000),
});

export interface ArgocdWebhook {
  /** Of Argo CD, and of its ApplicationSet controller. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** The address of the repository, as the Applications name it. */
  readonly repository: string;
}

export interface Config {
  readonly port: number;
  readonly repository: string;
  readonly tokenKey: Uint8Array;
  readonly cluster: 'engine' | 'kubernetes';
  /** Whose reports say what is applied on a cluster; `auto`: whichever is there. */
  readonly delivery: 'auto' | 'flux' | 'argocd';
  /** Where Argo CD is told of a commit; without it, it finds out by itself. */
  readonly argocdWebhook?: ArgocdWebhook;
  /** A repository somewhere else that is kept the same as this one. */
  readonly remote?: RemoteConfig;
  /** What a webhook of the remote is signed with. */
  readonly webhookSecret?: string;
  /** A Docker config with credentials of the registries that images are pushed to; read when they are needed. */
  readonly registryCredentialsFile?: string;
  readonly kubeconfig?: string;
  readonly appsPort?: number;
  readonly platformSeedFile?: string;
  readonly logLevel: string;
  readonly observeIntervalMs: number;
  /** `PATH`: where git is found. */
  readonly searchPath: string;
}

/** What to say before exit 1: one line that names the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const value = parse(env);
  const argocdWebhook = readArgocdWebhook(value);
  const remote = readRemote(value, refuse);
  const webhookSecret = readWebhookSecret(value);
  return {
    port: value.CONTROLLER_PORT,
    repository: value.GITOPS_REPOSITORY,
    tokenKey: readTokenKey(value.CONTROLLER_TOKEN_KEY_FILE),
    cluster: value.CLUSTER,
    delivery: value.DELIVERY,
    logLevel: value.LOG_LEVEL,
    observeIntervalMs: value.OBSERVE_INTERVAL_MS,
    searchPath: value.PATH,
    ...(argocdWebhook === undefined ? {} : { argocdWebhook }),
    ...(remote === undefined ? {} : { remote }),
    ...(webhookSecret === undefined ? {} : { webhookSecret }),
    ...(value.REGISTRY_CREDENTIALS_FILE === undefined
      ? {}
      : { registryCredentialsFile: value.REGISTRY_CREDENTIALS_FILE }),
    ...(value.KUBECONFIG === undefined ? {} : { kubeconfig: value.KUBECONFIG }),
    ...(value.APPS_PORT === undefined ? {} : { appsPort: value.APPS_PORT }),
    ...(value.PLATFORM_SEED_FILE === undefined ? {} : { platformSeedFile: value.PLATFORM_SEED_FILE }),
  };
}

/** All of it or nothing: a webhook that is not signed, or that names no repository, wakes nobody. */
function readArgocdWebhook(value: z.output<typeof environment>): ArgocdWebhook | undefined {
  const { ARGOCD_WEBHOOKS: urls, ARGOCD_WEBHOOK_SECRET_FILE: file, GITOPS_URL: repository } = value;
  if (urls === undefined) return undefined;
  if (repository === undefined) throw new ConfigError('ARGOCD_WEBHOOKS needs GITOPS_URL.');
  if (file === undefined) throw new ConfigError('ARGOCD_WEBHOOKS needs ARGOCD_WEBHOOK_SECRET_FILE.');
  const secret = readText('ARGOCD_WEBHOOK_SECRET_FILE', file);
  if (secret === '') throw new ConfigError(`ARGOCD_WEBHOOK_SECRET_FILE is empty: ${file}`);
  return { urls, secret, repository };
}

function refuse(line: string): never {
  throw new ConfigError(line);
}

function readWebhookSecret({
  GITOPS_REMOTE_WEBHOOK_SECRET_FILE: file,
}: z.output<typeof environment>): string | undefined {
  if (file === undefined) return undefined;
  const secret = readText('GITOPS_REMOTE_WEBHOOK_SECRET_FILE', file);
  // A secret that can be guessed lets anybody make the platform fetch.
  if (secret.length < 16) refuse(`GITOPS_REMOTE_WEBHOOK_SECRET_FILE holds less than 16 characters: ${file}`);
  return secret;
}

function parse(env: NodeJS.ProcessEnv): z.output<typeof environment> {
  // An empty variable is an unset one: shells and compose files cannot always leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environment.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  throw new ConfigError(
    given[name] === undefined
      ? `${name} is missing.`
      : `${name} is not right: ${issue?.message ?? ''}${shownValue(name, given[name])}.`,
  );
}

/** An address may have a password in it, which is what is wrong with it then: this line ends up in logs. */
const shownValue = (name: string, value: string): string =>
  name === 'GITOPS_REMOTE' ? '' : ` (it is "${value}")`;

/** HS256 wants a key at least as long as its hash: 32 bytes, 64 hex digits. */
function readTokenKey(file: string): Uint8Array {
  const text = readText('CONTROLLER_TOKEN_KEY_FILE', file);
  if (!/^(?:[0-9a-fA-F]{2}){32,}$/.test(text))
    throw new ConfigError(`CONTROLLER_TOKEN_KEY_FILE does not hold a key of at least 64 hex digits: ${file}`);
  return Buffer.from(text, 'hex');
}

function readText(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new ConfigError(`${name} names a file that cannot be read: ${file}`);
  }
}
