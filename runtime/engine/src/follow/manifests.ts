import { loadAll, YAMLException } from 'js-yaml';
import { z } from 'zod';
import type { Manifest } from '../store/object.js';
import { kindOf } from '../store/kinds.js';
import type { Folder } from './folders.js';
import type { ManifestFile } from './rendered-branch.js';

/** A folder that cannot be applied; the message says which file and why, for a person. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

const texts = z.record(z.string(), z.string());
const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/),
    namespace: z.string().optional(),
    labels: texts.optional(),
    annotations: texts.optional(),
  }),
});

/** The objects of a folder, the Namespace first. Throws ManifestError. */
export function readManifests(folder: Folder, files: readonly ManifestFile[]): readonly Manifest[] {
  const manifests = files.flatMap((file) => readFile(folder, file));
  const rank = ({ kind }: Manifest): number => (kind === 'Namespace' ? 0 : 1);
  return [...manifests].sort((a, b) => rank(a) - rank(b));
}

function readFile(folder: Folder, { path, text }: ManifestFile): readonly Manifest[] {
  return parse(path, text).map((value) => {
    const result = manifestSchema.safeParse(value);
    if (!result.success) throw new ManifestError(`${path} is not a Kubernetes object.`);
    const manifest = result.data as Manifest;
    const kind = kindOf(manifest.apiVersion, manifest.kind);
    if (kind === undefined)
      throw new ManifestError(`${path}: this engine does not run ${manifest.apiVersion} ${manifest.kind}.`);
    const own = kind.namespaced
      ? manifest.metadata.namespace === folder.namespace
      : folder.kind === 'tenant' && manifest.metadata.name === folder.namespace;
    if (!own) throw new ManifestError(`${path}: the object is outside namespace ${folder.namespace}.`);
    return manifest;
  });
}

/** Aliases are refused: they are how a few bytes become gigabytes. */
function parse(path: string, text: string): readonly unknown[] {
  try {
    return loadAll(text, { maxAliases: 0 }).filter((value) => value !== null && value !== undefined);
  } catch (error) {
    const reason = error instanceof YAMLException ? error.reason : 'unreadable';
    throw new ManifestError(`${path} is not YAML: ${reason}.`, { cause: error });
  }
}
