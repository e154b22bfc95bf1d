import { chmod, chown, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { list, record, text, type KubeObject } from '../store/object.js';
import type { Lookup } from './pod-env.js';
import { folderName, volumeFolder } from './volumes.js';

export interface VolumePlaces {
  /** Where claims' folders are. */
  readonly volumes: string;
  /** Where this pod's own folders are; gone with the pod. */
  readonly pod: string;
}

/** A folder of this machine that a pod has mounted. */
export interface Mount {
  readonly folder: string;
  readonly readOnly: boolean;
}

/** A name that is one step of a path and nothing else: keys of a ConfigMap become file names. */
const FILE = /^[-._A-Za-z0-9]+$/;
const isFile = (name: string): boolean => FILE.test(name) && name !== '.' && name !== '..';

/** Makes the folders of a pod's mounts: container path -> folder of this machine. */
export async function prepareMounts(
  pod: KubeObject,
  places: VolumePlaces,
): Promise<ReadonlyMap<string, Mount>> {
  const mounts = new Map<string, Mount>();
  for (const mount of list(pod, 'spec', 'containers', 0, 'volumeMounts')) {
    const volume = list(pod, 'spec', 'volumes').find((entry) => text(entry, 'name') === text(mount, 'name'));
    const folder = join(baseOf(pod, volume, places), subPath(text(mount, 'subPath')));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    mounts.set(text(mount, 'mountPath') ?? '', { folder, readOnly: record(mount)['readOnly'] === true });
  }
  return mounts;
}

/** Throws for a name that would be anything but one step down. */
function baseOf(pod: KubeObject, volume: unknown, places: VolumePlaces): string {
  const claim = text(volume, 'persistentVolumeClaim', 'claimName');
  if (claim !== undefined) return volumeFolder(places.volumes, pod.metadata.namespace ?? '', claim);
  return join(places.pod, 'volumes', folderName(text(volume, 'name') ?? 'none'));
}

/** Steps down only, whatever the manifest says. */
const subPath = (path = ''): string => path.split('/').filter(isFile).join('/');

/**
 * Brings the folders of projected, ConfigMap and Secret volumes up to date while the pod runs. Each file is replaced as
 * a whole, so that a shell that reads them sees the old value or the new one. Other volumes are left alone.
 */
export async function refreshFiles(
  pod: KubeObject,
  places: VolumePlaces,
  { lookup, owner }: FileSource,
): Promise<void> {
  for (const volume of list(pod, 'spec', 'volumes')) {
    const sources = sourcesOf(volume);
    if (sources === undefined) continue;
    const wanted = new Map(sources.flatMap(({ kind, name }) => [...(lookup(kind, name) ?? [])]));
    await writeFiles(baseOf(pod, volume, places), { wanted, owner });
  }
}

/** Where the files' contents are, and who may read them; nobody else than this process where nothing is said. */
export interface FileSource {
  readonly lookup: Lookup;
  readonly owner?: number | undefined;
}

interface Source {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: string;
}

function sourcesOf(volume: unknown): readonly Source[] | undefined {
  if (record(volume)['projected'] !== undefined)
    return list(volume, 'projected', 'sources').flatMap(sourceOf);
  const own = sourceOf({
    configMap: record(volume)['configMap'],
    secret: { name: text(volume, 'secret', 'secretName') },
  });
  return own.length === 0 ? undefined : own;
}

function sourceOf(source: unknown): readonly Source[] {
  const configMap = text(source, 'configMap', 'name');
  const secret = text(source, 'secret', 'name');
  return [
    ...(configMap === undefined ? [] : [{ kind: 'ConfigMap' as const, name: configMap }]),
    ...(secret === undefined ? [] : [{ kind: 'Secret' as const, name: secret }]),
  ];
}

async function writeFiles(
  folder: string,
  { wanted, owner }: { readonly wanted: ReadonlyMap<string, string>; readonly owner: number | undefined },
): Promise<void> {
  const give = (path: string): Promise<void> =>
    owner === undefined ? Promise.resolve() : chown(path, owner, owner);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  await give(folder);
  for (const name of await readdir(folder))
    if (!wanted.has(name)) await rm(join(folder, name), { force: true });
  for (const [name, value] of wanted) {
    if (!isFile(name)) continue;
    const path = join(folder, name);
    if ((await readFile(path, 'utf8').catch(() => undefined)) === value) {
      await give(path);
      continue;
    }
    const temporary = join(folder, `.${name}.tmp`);
    await writeFile(temporary, value, { mode: 0o600 });
    await give(temporary);
    await rename(temporary, path);
  }
}
