import { fromYaml, LABELS, MANAGED_BY } from '@fullstackagent/charts';
import type { DriftedObjectDto } from '../contract/drift.js';
import type { ProjectKey } from '../model/intent.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';
import { list, record, text, type Json } from '../shared/json.js';
import { driftOf } from './drift.js';

/** Every kind that a project renders to; what the controller may `get` in a tenant's namespace. */
export const COMPARED: Readonly<Record<string, string>> = {
  Cluster: 'clusters',
  ConfigMap: 'configmaps',
  Deployment: 'deployments',
  HTTPRoute: 'httproutes',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers',
  Ingress: 'ingresses',
  PersistentVolumeClaim: 'persistentvolumeclaims',
  PodDisruptionBudget: 'poddisruptionbudgets',
  SealedSecret: 'sealedsecrets',
  Service: 'services',
  StatefulSet: 'statefulsets',
};

/** What runs or keeps data: nothing of these may be there that no commit asks for. The controller may list them. */
const EXTRA: readonly (readonly [kind: string, root: string, olderRoot?: string])[] = [
  ['StatefulSet', '/apis/apps/v1'],
  ['Deployment', '/apis/apps/v1'],
  ['PersistentVolumeClaim', '/api/v1'],
  ['Cluster', '/apis/apps.kubeblocks.io/v1', '/apis/apps.kubeblocks.io/v1alpha1'],
  ['SealedSecret', '/apis/bitnami.com/v1alpha1'],
];

/** At a time: a project has about fifteen objects, and somebody waits for the answer. */
const TOGETHER = 4;

/**
 * Compares rendered manifests with what is on the cluster now, object by object. Read on request: nothing is watched or
 * kept for it. Throws an AppError where the cluster cannot be reached.
 */
export async function readDrift(
  api: Pick<KubeApi, 'get'>,
  key: ProjectKey,
  manifests: readonly string[],
): Promise<readonly DriftedObjectDto[]> {
  const rendered = manifests.map((manifest) => record(fromYaml(manifest)));
  return [...(await comparedWith(api, rendered)), ...(await extraObjects(api, key, rendered))];
}

async function comparedWith(
  api: Pick<KubeApi, 'get'>,
  rendered: readonly Json[],
): Promise<readonly DriftedObjectDto[]> {
  const waiting = [...rendered];
  const found: DriftedObjectDto[] = [];
  while (waiting.length > 0) {
    const compared = await Promise.all(waiting.splice(0, TOGETHER).map((object) => compare(api, object)));
    found.push(...compared.filter((drifted) => drifted !== undefined));
  }
  return found;
}

const idOf = (kind: string, object: unknown): string => `${kind}/${text(object, 'metadata', 'name') ?? ''}`;

async function extraObjects(
  api: Pick<KubeApi, 'get'>,
  { namespace, name }: ProjectKey,
  rendered: readonly Json[],
): Promise<readonly DriftedObjectDto[]> {
  const known = new Set(rendered.map((object) => idOf(text(object, 'kind') ?? '', object)));
  const query = { labelSelector: `${LABELS.project}=${name},${LABELS.managedBy}=${MANAGED_BY}` };
  const lists = EXTRA.map(async ([kind, root, olderRoot]) => {
    const path = `/namespaces/${encodeURIComponent(namespace)}/${COMPARED[kind] ?? ''}`;
    const found = await listed(api, root + path, query);
    const older = found === undefined && olderRoot !== undefined;
    const items = older ? await listed(api, olderRoot + path, query) : found;
    return (items ?? [])
      .filter((item) => !known.has(idOf(kind, item)))
      .map((item) => ({
        kind,
        name: text(item, 'metadata', 'name') ?? '',
        state: 'extra' as const,
        differences: [],
      }));
  });
  return (await Promise.all(lists)).flat();
}

/** A kind that is not to be listed has nothing that could be too much; undefined where it is not served. */
async function listed(
  api: Pick<KubeApi, 'get'>,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly unknown[] | undefined> {
  try {
    return list(await api.get(path, query), 'items');
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return undefined;
    if (error.status === 403) return [];
    throw error.toAppError();
  }
}

async function compare(api: Pick<KubeApi, 'get'>, rendered: Json): Promise<DriftedObjectDto | undefined> {
  try {
    return driftOf(rendered, record(await api.get(pathOf(rendered))));
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    if (error.status === 404) return driftOf(rendered, undefined);
    if (error.status !== 403) throw error.toAppError();
    const { kind, name } = { kind: text(rendered, 'kind'), name: text(rendered, 'metadata', 'name') };
    return { kind: kind ?? '', name: name ?? '', state: 'unreadable', differences: [] };
  }
}

function pathOf(object: Json): string {
  const version = text(object, 'apiVersion') ?? '';
  const [namespace, name] = [text(object, 'metadata', 'namespace'), text(object, 'metadata', 'name')];
  const resource = COMPARED[text(object, 'kind') ?? ''];
  if (namespace === undefined || name === undefined || resource === undefined)
    throw new Error(`There is no way to read a rendered ${text(object, 'kind') ?? 'object'}.`);
  const root = version.includes('/') ? `/apis/${version}` : `/api/${version}`;
  return `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`;
}
