import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/folders.js';

const GOLDEN = join(ROOT, 'charts-src', 'golden');
/** The namespace that every golden document names. */
const NAMESPACE = 'ns-ajno7yq7';

export const goldenNames: readonly string[] = readdirSync(GOLDEN, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

/** Kinds and versions that no CRD in ../shared/crds has, or has only in a later form. */
const NOT_INSTALLED: readonly (readonly [RegExp, string])[] = [
  [/^apiVersion: gateway\.networking\.k8s\.io\//m, 'the CRDs of the Gateway API are not in ../shared/crds'],
  [
    /^apiVersion: apps\.kubeblocks\.io\/v1alpha1$/m,
    'the CRDs in ../shared/crds are of KubeBlocks 1.0, this is for 0.9',
  ],
];

export const notInstalled = (manifests: string): string | undefined =>
  NOT_INSTALLED.find(([pattern]) => pattern.test(manifests))?.[1];

export const isTenant = (name: string): boolean => name.startsWith('tenant');

/** What is in `platform/` for a project: how it is applied, and who reaches its database. */
const OPERATORS = /^(?:kustomization|networkpolicy)-/;

interface Part {
  /** Of a project's example: what its own account applies, or what operators keep for it; both where it is not said. */
  readonly of?: 'project' | 'operators';
}

/** What an example renders to, as one stream, in a namespace of its own: the examples are called alike. */
export function golden(name: string, namespace: string, { of }: Part = {}): string {
  const folder = join(GOLDEN, name, 'rendered');
  // git keeps no empty folders: a project that is removed renders to nothing.
  const all = existsSync(folder) ? readdirSync(folder) : [];
  const files = of === undefined ? all : all.filter((file) => OPERATORS.test(file) === (of === 'operators'));
  // The Namespace first, as the appliers do.
  const order = [...files].sort(
    (a, b) => Number(b.startsWith('namespace-')) - Number(a.startsWith('namespace-')) || (a < b ? -1 : 1),
  );
  return order
    .map((file) => readFileSync(join(folder, file), 'utf8').replaceAll(NAMESPACE, namespace))
    .join('---\n');
}
