import { readdir, readFile } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import { PLATFORM_PATH } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { Edit } from '../model/intent.js';
import { storedDocument } from './documents.js';

/** What a new repository begins with. */
export interface Seed {
  /** `gitops-template`: everything in it, as it is. */
  readonly templateFolder: string;
  /** The text of `platform.yaml`. */
  readonly platform: string;
}

/** Throws VALIDATION_FAILED where `platform.yaml` is none: a repository never begins with a document nobody can read. */
export async function seedEdits({ templateFolder, platform }: Seed): Promise<readonly Edit[]> {
  const read = storedDocument({ path: PLATFORM_PATH, blob: '', text: platform });
  if (read?.kind === 'Unreadable')
    throw new AppError(
      'VALIDATION_FAILED',
      `The platform.yaml for the new repository is not valid. ${read.message}`,
    );
  const template = await templateFiles(templateFolder);
  return [
    ...template.filter(({ path }) => path !== PLATFORM_PATH),
    { path: PLATFORM_PATH, content: platform },
  ];
}

async function templateFiles(folder: string): Promise<Edit[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => ({
      path: file.slice(folder.length).split(sep).filter(Boolean).join(posix.sep),
      content: await readFile(file, 'utf8'),
    })),
  );
}
