import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const names = z.record(z.string(), z.string()).default({});

const lockedPackage = z.looseObject({
  version: z.string().optional(),
  integrity: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
});
type LockedPackage = z.infer<typeof lockedPackage>;

const lockFile = z.looseObject({ packages: z.record(z.string(), lockedPackage) });
const manifestFile = z.looseObject({ dependencies: names });

/** What `npm ci` needs to install one package: its version, and the two files as their text. */
export interface PinnedPackage {
  readonly version: string;
  readonly manifest: string;
  readonly lock: string;
}

/**
 * The part of a folder's lock file that one of its packages needs. Throws where the package is not pinned there, or
 * something of it has no checksum: then nothing would say that what comes is what was chosen.
 */
export async function pinnedPackage(folder: string, name: string): Promise<PinnedPackage> {
  const [manifest, lock] = await Promise.all([
    readFile(join(folder, 'package.json'), 'utf8').then((text) => manifestFile.parse(JSON.parse(text))),
    readFile(join(folder, 'package-lock.json'), 'utf8').then((text) => lockFile.parse(JSON.parse(text))),
  ]);
  const wanted = manifest.dependencies[name];
  const version = lock.packages[placeOf(name)]?.version;
  if (wanted === undefined || version === undefined) throw new Error(`${name} is not in ${folder}.`);
  const kept = neededBy(name, lock.packages);
  for (const [place, { integrity }] of kept)
    if (integrity === undefined) throw new Error(`${place} has no checksum in ${folder}.`);
  const top = { name: 'fullstackagent-tool', private: true, dependencies: { [name]: wanted } };
  return {
    version,
    manifest: JSON.stringify(top),
    lock: JSON.stringify({
      ...{ name: top.name, lockfileVersion: 3, requires: true },
      packages: { '': top, ...Object.fromEntries(kept) },
    }),
  };
}

const placeOf = (name: string): string => `node_modules/${name}`;

/** Every package that can be reached from one, for whatever machine, where the lock file has it. */
function neededBy(
  name: string,
  packages: Readonly<Record<string, LockedPackage>>,
): ReadonlyMap<string, LockedPackage> {
  const kept = new Map<string, LockedPackage>();
  const waiting = [placeOf(name)];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    const found = packages[place];
    if (found === undefined || kept.has(place)) continue;
    kept.set(place, found);
    for (const needed of Object.keys({ ...found.dependencies, ...found.optionalDependencies }))
      waiting.push(`${place}/node_modules/${needed}`, placeOf(needed));
  }
  return kept;
}
