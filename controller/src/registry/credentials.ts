import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RegistryError } from './errors.js';

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** What `docker login` writes, and what a Secret of type kubernetes.io/dockerconfigjson holds. Helpers are not run. */
const dockerConfig = z.object({
  auths: z.record(
    z.string(),
    z.object({
      auth: z.string().optional(),
      username: z.string().optional(),
      password: z.string().optional(),
    }),
  ),
});

/**
 * The credential for a registry from a file, read each time: one that was replaced counts at once. undefined: the file
 * has none for it, or there is no file to look into. Throws RegistryError where the file cannot be used.
 */
export async function credentialFor(host: string, file: string | undefined): Promise<Credential | undefined> {
  if (file === undefined) return undefined;
  const { auths } = await readConfig(file);
  const found = Object.entries(auths).find(([key]) => hostOf(key) === host)?.[1];
  if (found === undefined) return undefined;
  const { username, password, auth } = found;
  if (username !== undefined && password !== undefined) return { username, password };
  const [user, ...rest] = Buffer.from(auth ?? '', 'base64')
    .toString('utf8')
    .split(':');
  if (user === undefined || rest.length === 0) throw unusable(`has no user and password for ${host}`);
  return { username: user, password: rest.join(':') };
}

async function readConfig(file: string): Promise<z.output<typeof dockerConfig>> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable('cannot be read', cause);
  });
  try {
    return dockerConfig.parse(JSON.parse(text));
  } catch {
    // Neither the text nor what is said about it may go on: it is the secret.
    throw unusable('is no Docker config with "auths"');
  }
}

/** Keys are hosts, or addresses in older files. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

const unusable = (what: string, cause?: unknown): RegistryError =>
  new RegistryError(
    'denied',
    `The platform's file of registry credentials ${what}. An operator mends it (REGISTRY_CREDENTIALS_FILE).`,
    cause,
  );
