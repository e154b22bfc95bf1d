import { LABELS, MANAGED_BY } from '@fullstackagent/charts';
import type { ProjectKey } from '../model/intent.js';
import type { ObservedApplier } from '../model/facts.js';
import { text, type Json } from '../shared/json.js';
import { noticeOf, noticesProject, TENANT_NAMESPACE } from './notices.js';
import {
  trimDatabase,
  trimDeployment,
  trimPod,
  trimRefusal,
  trimSealedSecret,
  trimStatefulSet,
  trimVolume,
} from './trim.js';

export type ObservedKind =
  | 'statefulSet'
  | 'pod'
  | 'deployment'
  | 'volume'
  | 'database'
  | 'sealedSecret'
  | 'applier'
  | 'application'
  | 'refusal'
  | 'podWarning'
  | 'imagePull'
  | 'volumeNotice';

/** One kind of object that is watched cluster-wide, and how it is read. */
export interface WatchedResource {
  readonly kind: ObservedKind;
  readonly path: string;
  /** The same objects by an older version of the API, for a server that does not know the first. */
  readonly olderPath?: string;
  readonly query: Readonly<Record<string, string>>;
  readonly trim: (object: Json) => unknown;
  readonly projectOf: (object: Json) => ProjectKey | undefined;
  /** Nice to know: a server that refuses it (a role without events, an engine without them) is not out of touch. */
  readonly optional?: boolean;
}

function byLabel(object: Json): ProjectKey | undefined {
  const namespace = text(object, 'metadata', 'namespace');
  const name = text(object, 'metadata', 'labels', LABELS.project);
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** Appliers' objects are called like the project, in the tenant's namespace; others of that kind are not ours. */
function byName(object: Json): ProjectKey | undefined {
  const namespace = text(object, 'metadata', 'namespace') ?? '';
  const name = text(object, 'metadata', 'name');
  return TENANT_NAMESPACE.test(namespace) && name !== undefined && name !== 'tenant'
    ? { namespace, name }
    : undefined;
}

/** Checked here too: a server that does not know field selectors answers with every event. */
function byInvolvedObject(object: Json): ProjectKey | undefined {
  if (text(object, 'involvedObject', 'kind') !== 'StatefulSet' || text(object, 'reason') !== 'FailedCreate')
    return undefined;
  const namespace = text(object, 'involvedObject', 'namespace');
  const name = text(object, 'involvedObject', 'name');
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

/** Argo CD's Applications are in a namespace of their own: which project one is about is the folder it applies. */
function byFolder(object: Json): ProjectKey | undefined {
  const path = text(object, 'spec', 'source', 'path') ?? '';
  const [, namespace, name] = /^(?:\.\/)?tenants\/[^/]+\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  // One that puts this folder anywhere else says nothing about the project.
  return namespace === undefined ||
    name === undefined ||
    text(object, 'spec', 'destination', 'namespace') !== namespace
    ? undefined
    : { namespace, name };
}

const managed = { labelSelector: `${LABELS.managedBy}=${MANAGED_BY}` };

/** How the appliers' objects are read (`deliver/`); this stage only watches them. One that is absent is not watched. */
export interface ApplierReaders {
  readonly flux?: (object: Json) => ObservedApplier;
  readonly argocd?: (object: Json) => ObservedApplier;
}

/** Where the template for Argo CD puts the Applications, and where the controller may read them. */
const ARGOCD_NAMESPACE = 'argocd';

/** With both, whichever is on the cluster tells: that one of them is missing, or must not be read, is no outage. */
function applierResources({ flux, argocd }: ApplierReaders): readonly WatchedResource[] {
  const either = flux !== undefined && argocd !== undefined ? { optional: true } : {};
  const resources: WatchedResource[] = [];
  if (flux !== undefined)
    resources.push({
      kind: 'applier',
      path: '/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations',
      query: {},
      trim: flux,
      projectOf: byName,
      ...either,
    });
  if (argocd !== undefined)
    resources.push({
      kind: 'application',
      path: `/apis/argoproj.io/v1alpha1/namespaces/${ARGOCD_NAMESPACE}/applications`,
      query: managed,
      trim: argocd,
      projectOf: byFolder,
      ...either,
    });
  return resources;
}

export function watchedResources(appliers: ApplierReaders): readonly WatchedResource[] {
  return [
    {
      kind: 'statefulSet',
      path: '/apis/apps/v1/statefulsets',
      query: managed,
      trim: trimStatefulSet,
      projectOf: byLabel,
    },
    {
      kind: 'pod',
      path: '/api/v1/pods',
      query: { labelSelector: `${LABELS.workload} in (release,sandbox)` },
      trim: trimPod,
      projectOf: byLabel,
    },
    {
      kind: 'deployment',
      path: '/apis/apps/v1/deployments',
      query: managed,
      trim: trimDeployment,
      projectOf: byLabel,
    },
    {
      kind: 'volume',
      path: '/api/v1/persistentvolumeclaims',
      query: managed,
      trim: trimVolume,
      projectOf: byLabel,
    },
    {
      kind: 'database',
      path: '/apis/apps.kubeblocks.io/v1/clusters',
      // KubeBlocks 0.9; 1.0 serves both.
      olderPath: '/apis/apps.kubeblocks.io/v1alpha1/clusters',
      query: managed,
      trim: trimDatabase,
      projectOf: byLabel,
    },
    {
      kind: 'sealedSecret',
      path: '/apis/bitnami.com/v1alpha1/sealedsecrets',
      query: managed,
      trim: trimSealedSecret,
      projectOf: byLabel,
    },
    ...applierResources(appliers),
    {
      kind: 'refusal',
      path: '/api/v1/events',
      query: { fieldSelector: 'involvedObject.kind=StatefulSet,reason=FailedCreate' },
      trim: trimRefusal,
      projectOf: byInvolvedObject,
      optional: true,
    },
    ...notices,
  ];
}

/** Events about pods and volumes. Selectors of events know no "or": each is a watch of its own, and a narrow one. */
const notices: readonly WatchedResource[] = (
  [
    ['podWarning', 'involvedObject.kind=Pod,type=Warning'],
    ['imagePull', 'involvedObject.kind=Pod,reason=Pulling'],
    ['volumeNotice', 'involvedObject.kind=PersistentVolumeClaim'],
  ] as const
).map(([kind, fieldSelector]) => ({
  kind,
  path: '/api/v1/events',
  query: { fieldSelector },
  trim: noticeOf,
  projectOf: (object) => (isWanted[kind](object) ? noticesProject(object) : undefined),
  optional: true,
}));

/** The selectors again: a server that does not know them answers with every event. */
const isWanted: Readonly<Record<'podWarning' | 'imagePull' | 'volumeNotice', (event: Json) => boolean>> = {
  podWarning: (event) => isAbout(event, 'Pod') && text(event, 'type') === 'Warning',
  imagePull: (event) => isAbout(event, 'Pod') && text(event, 'reason') === 'Pulling',
  volumeNotice: (event) => isAbout(event, 'PersistentVolumeClaim'),
};

const isAbout = (event: Json, kind: string): boolean => text(event, 'involvedObject', 'kind') === kind;
