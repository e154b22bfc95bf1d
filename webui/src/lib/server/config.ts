import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The one reader of the environment in this process. */

const portMessage = 'a whole number from 0 to 65535 is needed';

/** A header's name as HTTP has it (RFC 9110, 5.6.2). */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const httpUrl = z.url({
  protocol: /^https?$/,
  error: 'an address that starts with http:// or https:// is needed',
});

const environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce
    .number(portMessage)
    .int(portMessage)
    .min(0, portMessage)
    .max(65_535, portMessage)
    .default(3000),
  ORIGIN: httpUrl
    .refine((url) => new URL(url).origin === url, 'scheme, host and port are needed, and nothing after them')
    .optional(),
  DATABASE_URL: z.url({
    protocol: /^postgres(ql)?$/,
    error: 'an address that starts with postgresql:// is needed',
  }),
  CONTROLLER_URL: httpUrl,
  CONTROLLER_TOKEN_KEY_FILE: z.string(),
  /** Whoever has what is in this file may read the repository with git: for appliers. */
  GITOPS_READ_TOKEN_FILE: z.string().optional(),
  /** Whether terminals may be shared by a link, and with whom. */
  TERMINAL_SHARES: z
    .enum(['anyone', 'accounts', 'off'], '"anyone", "accounts" or "off" is needed')
    .default('anyone'),
  /** Both are read by SvelteKit's handler; checked here, so that a mistake stops the start and not every sign-in. */
  ADDRESS_HEADER: z.string().regex(HEADER_NAME, 'the name of a header is needed').optional(),
  XFF_DEPTH: z
    .string()
    .regex(/^[1-9]\d?$/, 'a whole number from 1 to 99 is needed')
    .optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Where browsers reach the portal, without a slash at the end. */
  readonly origin: string;
  readonly databaseUrl: string;
  /** Without a slash at the end. */
  readonly controllerUrl: string;
  readonly tokenKey: Uint8Array;
  /** SHA-256 of the deploy token; without one nobody reads with it. */
  readonly readTokenHash?: Uint8Array;
  readonly terminalShares: 'anyone' | 'accounts' | 'off';
  readonly logLevel: string;
}

/** What to say before exit 1: one line that names the variable. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const value = parse(env);
  return {
    host: value.HOST,
    port: value.PORT,
    origin: value.ORIGIN ?? `http://localhost:${value.PORT}`,
    databaseUrl: value.DATABASE_URL,
    controllerUrl: value.CONTROLLER_URL.replace(/\/+$/, ''),
    tokenKey: readTokenKey(value.CONTROLLER_TOKEN_KEY_FILE),
    terminalShares: value.TERMINAL_SHARES,
    logLevel: value.LOG_LEVEL,
    ...(value.GITOPS_READ_TOKEN_FILE === undefined
      ? {}
      : { readTokenHash: readTokenHash(value.GITOPS_READ_TOKEN_FILE) }),
  };
}

function parse(env: NodeJS.ProcessEnv): z.output<typeof environment> {
  // An empty variable is an unset one: shells and compose files cannot always leave one out.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = environment.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const name = issue?.path.join('.') ?? '';
  // The value is not shown: a database's address holds a password.
  throw new ConfigError(
    given[name] === undefined ? `${name} is missing.` : `${name} is not right: ${issue?.message ?? ''}.`,
  );
}

/** HS256 wants a key at least as long as its hash: 32 bytes, 64 hex digits. */
function readTokenKey(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new ConfigError(`CONTROLLER_TOKEN_KEY_FILE names a file that cannot be read: ${file}`);
  }
  if (!/^(?:[0-9a-fA-F]{2}){32,}$/.test(text))
    throw new ConfigError(`CONTROLLER_TOKEN_KEY_FILE does not hold a key of at least 64 hex digits: ${file}`);
  return Buffer.from(text, 'hex');
}

/** A long random text on one line; a short one could be guessed. */
function readTokenHash(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    throw new ConfigError(`GITOPS_READ_TOKEN_FILE names a file that cannot be read: ${file}`);
  }
  if (!/^[\x21-\x7e]{32,256}$/.test(text))
    throw new ConfigError(
      `GITOPS_READ_TOKEN_FILE does not hold a token of 32 to 256 characters without spaces: ${file}`,
    );
  return createHash('sha256').update(text).digest();
}
