import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Tool } from '../agent/tool-folder.js';

const run = promisify(execFile);

export interface NpmToolOptions {
  /** Below it everything is written. */
  readonly root: string;
  readonly version: string;
  /** Of the package. */
  readonly name?: string;
  /** Of the program, a shell script. */
  readonly script: string;
}

/**
 * A tool in the shape of Claude Code's package, as real archives on this machine: a package without a program that works,
 * one optional package for each kind of machine, and a lock file with their checksums.
 */
export async function npmTool({
  root,
  version,
  script,
  name = '@example/tool',
}: NpmToolOptions): Promise<Tool> {
  const here = `${process.platform}-${process.arch}`;
  const own = await packed(join(root, `tool-${version}`), {
    name,
    version,
    scripts: { postinstall: `touch ${join(root, 'a-script-has-run')}` },
    optionalDependencies: { [`${name}-${here}`]: version, [`${name}-elsewhere`]: version },
  });
  const binary = await packed(
    join(root, `tool-here-${version}`),
    { name: `${name}-${here}`, version, os: [process.platform], cpu: [process.arch] },
    script,
  );
  const pinnedIn = join(root, `pinned-${version}`);
  const dependencies = { [name]: `file:${own.archive}`, '@example/unrelated': '1.0.0' };
  const entry = (archive: Packed): object => ({
    ...{ version, resolved: `file:${archive.archive}`, integrity: archive.integrity },
  });
  await mkdir(pinnedIn);
  await writeFile(join(pinnedIn, 'package.json'), JSON.stringify({ dependencies }));
  await writeFile(
    join(pinnedIn, 'package-lock.json'),
    JSON.stringify({
      lockfileVersion: 3,
      packages: {
        '': { dependencies },
        [`node_modules/${name}`]: {
          ...{ ...entry(own), hasInstallScript: true },
          optionalDependencies: { [`${name}-${here}`]: version, [`${name}-elsewhere`]: version },
        },
        [`node_modules/${name}-${here}`]: {
          ...{ ...entry(binary), optional: true, os: [process.platform], cpu: [process.arch] },
        },
        [`node_modules/${name}-elsewhere`]: {
          ...{ ...entry(binary), optional: true, os: ['aix'], cpu: [process.arch] },
        },
        'node_modules/@example/unrelated': { version: '1.0.0', integrity: 'sha512-none' },
      },
    }),
  );
  return { name: 'claude', package: name, pinnedIn, roughBytes: 1_000_000 };
}

interface Packed {
  readonly archive: string;
  readonly integrity: string;
}

async function packed(folder: string, manifest: object, script?: string): Promise<Packed> {
  await mkdir(join(folder, 'package'), { recursive: true });
  await writeFile(join(folder, 'package', 'package.json'), JSON.stringify(manifest));
  if (script !== undefined) {
    await writeFile(join(folder, 'package', 'claude'), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'package', 'claude'), 0o755);
  }
  const archive = join(folder, 'package.tgz');
  await run('tar', ['-czf', archive, '-C', folder, 'package']);
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64');
  return { archive, integrity: `sha512-${digest}` };
}
