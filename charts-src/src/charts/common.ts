import { ApiObject, type ApiObjectProps, type Chart } from 'cdk8s';
import type { PlatformDocument, ProjectDocument } from '../documents/index.js';
import { ANNOTATIONS, LABELS, MANAGED_BY, objectNames, type ObjectNames } from '../names.js';

/** What every chart of a project gets: the documents, and what is derived from them once. */
export interface ProjectContext {
  readonly platform: PlatformDocument['spec'];
  readonly spec: ProjectDocument['spec'];
  readonly project: string;
  readonly namespace: string;
  readonly names: ObjectNames;
  /** Blob id of the Project document. */
  readonly intent: string;
}

export function projectContext(
  platform: PlatformDocument,
  { metadata, spec }: ProjectDocument,
  intent: string,
): ProjectContext {
  return {
    platform: platform.spec,
    spec,
    project: metadata.name,
    namespace: metadata.namespace,
    names: objectNames(metadata.name),
    intent,
  };
}

interface Meta {
  readonly name: string;
  readonly component: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** What it is a part of, where its component does not say. */
  readonly app?: 'sandbox' | 'release';
}

/** `app.kubernetes.io/name` of what is not a sandbox. Not on pods: a label there would restart what is running. */
const NAMES: Readonly<Record<string, string>> = { database: 'postgresql', release: 'release' };

/** Metadata of a project's object. No `app.kubernetes.io/instance`: KubeBlocks deletes by it (reference, trap 2). */
export function projectMeta(context: ProjectContext, { name, component, app, annotations }: Meta) {
  return {
    name,
    namespace: context.namespace,
    labels: {
      [LABELS.component]: component,
      [LABELS.managedBy]: MANAGED_BY,
      [LABELS.name]: app ?? NAMES[component] ?? 'sandbox',
      [LABELS.partOf]: context.project,
      [LABELS.project]: context.project,
    },
    annotations: { [ANNOTATIONS.intent]: context.intent, ...annotations },
  };
}

/**
 * Metadata of what operators keep for a project, in a folder of theirs. It does not say which version of the document it
 * was made from: it is the same for all of them, and a commit must not make an applier look at more than what it changed.
 */
export const operatorsMeta = (of: {
  readonly name: string;
  readonly namespace: string;
  readonly project: string;
  readonly component: 'database' | 'delivery';
}) => ({
  name: of.name,
  namespace: of.namespace,
  labels: {
    [LABELS.component]: of.component,
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.name]: NAMES[of.component] ?? of.component,
    [LABELS.partOf]: of.project,
    [LABELS.project]: of.project,
  },
});

/** Neither Flux nor Argo CD takes such an object away because it left the folder. */
export const KEEP = {
  [ANNOTATIONS.argoSyncOptions]: 'Prune=false,Delete=false',
  [ANNOTATIONS.fluxPrune]: 'disabled',
} as const;

/**
 * Data outlives mistakes: neither Flux nor Argo CD takes these objects away because they left the folder. Only a purge
 * lifts it.
 */
export const keep = ({ spec }: ProjectContext): Readonly<Record<string, string>> =>
  spec.purge === undefined ? KEEP : {};

/** A custom resource: cdk8s has no types for it. `spec` is passed on as it is. */
export function customObject(
  chart: Chart,
  id: string,
  props: ApiObjectProps & { readonly spec: unknown },
): ApiObject {
  return new ApiObject(chart, id, props);
}
