import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { AppError } from './contract/errors.js';
import type { ProjectChanges } from './api/changes.js';
import { ConfigError, type Config } from './config.js';
import { openRepository as openGit } from './git/index.js';
import { openIntentStore, type Seed } from './intent/index.js';
import type { IntentStore, RenderedView } from './model/intent.js';

/** Both branches of the repository, and the pipeline between them. */
export interface OpenRepository {
  readonly intent: IntentStore;
  readonly rendered: RenderedView;
  readonly changes: ProjectChanges;
  close(): Promise<void>;
}

/** `gitops-template/` of this checkout; the compiled files lie as deep as the sources. */
const TEMPLATE_FOLDER = fileURLToPath(new URL('../../gitops-template', import.meta.url));

export async function openRepository(config: Config, log: Logger): Promise<OpenRepository> {
  const repository = await openGit(config.repository, { log, searchPath: config.searchPath });
  const now = (): Date => new Date();
  const intent = await openIntentStore({ repository, now, seed: () => seedOf(config) });
  return {
    intent,
    rendered: nothingRendered,
    changes: noChanges,
    close: () => repository.close(),
  };
}

async function seedOf({ platformSeedFile }: Config): Promise<Seed> {
  if (platformSeedFile === undefined)
    throw new ConfigError(
      'PLATFORM_SEED_FILE is missing: the repository is new and has to begin with a platform.yaml.',
    );
  return { templateFolder: TEMPLATE_FOLDER, platform: await readFile(platformSeedFile, 'utf8') };
}

const nothingRendered: RenderedView = {
  lastRendered: () => undefined,
  renderedFrom: () => undefined,
  includes: () => false,
  manifests: () => Promise.resolve({ commit: '', files: [] }),
  onRendered: () => () => undefined,
};

const notYet = (): Promise<never> =>
  Promise.reject(new AppError('NOT_READY', 'Changes are not wired up yet.'));
const noChanges: ProjectChanges = {
  createTenant: notYet,
  create: notYet,
  patch: notYet,
  act: notYet,
  putEnvironment: notYet,
};
