import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../../files/durable.js';
import type { Home } from '../home.js';

/** One database of a home folder. */
export interface HomeDatabase {
  /** From the home folder. */
  readonly path: string;
  readonly password: string;
}

const state = z.object({ passwords: z.record(z.string(), z.string()) });

/** Every database whose password is known: one without is not more than a folder that was begun. */
export async function databasesOf(home: Home): Promise<readonly HomeDatabase[]> {
  return [...(await portalDatabase(home)), ...(await sandboxDatabases(home))];
}

/** Accounts and sessions; none where `DATABASE_URL` names a server elsewhere. */
export async function portalDatabase(home: Home): Promise<readonly HomeDatabase[]> {
  const password = (await textOf(home.databasePassword))?.trim();
  const path = join('postgres', 'instances', 'portal', 'data');
  if (password === undefined || !(await isThere(join(home.root, path)))) return [];
  return [{ path, password }];
}

export async function sandboxDatabases(home: Home): Promise<readonly HomeDatabase[]> {
  const text = await textOf(join(home.engine, 'state.json'));
  if (text === undefined) return [];
  const { passwords } = state.parse(JSON.parse(text));
  const found: HomeDatabase[] = [];
  for (const [key, password] of Object.entries(passwords)) {
    const path = join('engine', 'postgres', 'instances', key.replace('/', '-'), 'data');
    if (await isThere(join(home.root, path))) found.push({ path, password });
  }
  return found;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function isThere(folder: string): Promise<boolean> {
  return readdir(folder).then(
    () => true,
    () => false,
  );
}
