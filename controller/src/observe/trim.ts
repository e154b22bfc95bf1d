import { ANNOTATIONS, LABELS } from '@fullstackagent/charts';
import type {
  ObservedContainer,
  ObservedDatabase,
  ObservedDeployment,
  ObservedObject,
  ObservedPod,
  ObservedRefusal,
  ObservedSealedSecret,
  ObservedStatefulSet,
  ObservedVolume,
} from '../model/facts.js';
import { at, count, date, list, record, text, type Json } from '../shared/json.js';

/** The cluster's objects, cut down to what status needs: nothing else of them is kept in memory. */

const named = (object: Json): ObservedObject => {
  const intent = text(object, 'metadata', 'annotations', ANNOTATIONS.intent);
  return {
    name: text(object, 'metadata', 'name') ?? '',
    deleting: at(object, 'metadata', 'deletionTimestamp') !== undefined,
    ...(intent === undefined ? {} : { intent }),
    ...present('changedAt', changedAt(object)),
  };
};

const present = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);

/** As its managers noted it; a server without managed fields tells when it came to be. */
function changedAt(object: Json): Date | undefined {
  const changes = list(object, 'metadata', 'managedFields').flatMap((entry) =>
    text(entry, 'subresource') === undefined ? [date(entry, 'time')] : [],
  );
  return latest(changes) ?? date(object, 'metadata', 'creationTimestamp');
}

/** An object that never reports `observedGeneration` counts as observed only where `otherwise` says so. */
const generationObserved = (object: Json, otherwise: boolean): boolean => {
  const observed = at(object, 'status', 'observedGeneration');
  return typeof observed === 'number' ? observed >= count(object, 'metadata', 'generation') : otherwise;
};

const condition = (object: Json, type: string): Json | undefined => {
  const found = list(object, 'status', 'conditions').find((entry) => text(entry, 'type') === type);
  return found === undefined ? undefined : record(found);
};

export function trimStatefulSet(object: Json): ObservedStatefulSet {
  const replicas = at(object, 'spec', 'replicas');
  const updateRevision = text(object, 'status', 'updateRevision');
  return {
    ...named(object),
    replicas: typeof replicas === 'number' ? replicas : 1,
    readyReplicas: count(object, 'status', 'readyReplicas'),
    generationObserved: generationObserved(object, false),
    rolledOut: updateRevision === undefined || text(object, 'status', 'currentRevision') === updateRevision,
  };
}

/** Without `replicas` it is one, until an autoscaler says otherwise. */
export function trimDeployment(object: Json): ObservedDeployment {
  const wanted = at(object, 'spec', 'replicas');
  const replicas = typeof wanted === 'number' ? wanted : 1;
  const updated = count(object, 'status', 'updatedReplicas');
  const availableReplicas = count(object, 'status', 'availableReplicas');
  const progressing = condition(object, 'Progressing');
  const refused = condition(object, 'ReplicaFailure');
  return {
    ...named(object),
    replicas,
    availableReplicas,
    rolledOut:
      generationObserved(object, false) &&
      updated >= replicas &&
      count(object, 'status', 'replicas') <= updated &&
      availableReplicas >= replicas,
    ...(text(refused, 'status') === 'True' ? { refused: refusalOf(text(refused, 'message') ?? '') } : {}),
    ...(text(progressing, 'status') === 'False'
      ? { stuck: text(progressing, 'message') ?? text(progressing, 'reason') ?? 'no progress' }
      : {}),
  };
}

export function trimPod(object: Json): ObservedPod {
  const ready = condition(object, 'Ready');
  const unschedulable = unschedulableMessage(object);
  const failed = failureMessage(object);
  const createdAt = date(object, 'metadata', 'creationTimestamp');
  const readySince = date(ready, 'lastTransitionTime');
  const scheduled = condition(object, 'PodScheduled');
  const statuses = [
    ...list(object, 'status', 'initContainerStatuses'),
    ...list(object, 'status', 'containerStatuses'),
  ];
  return {
    name: named(object).name,
    deleting: named(object).deleting,
    ready: text(ready, 'status') === 'True',
    ...(text(object, 'metadata', 'labels', LABELS.workload) === 'release' ? { ofRelease: true } : {}),
    containers: statuses.map((status) => trimContainer(record(status))),
    ...(unschedulable === undefined ? {} : { unschedulable }),
    ...(failed === undefined ? {} : { failed }),
    ...(createdAt === undefined ? {} : { createdAt }),
    ...(readySince === undefined ? {} : { readySince }),
    ...present('uid', text(object, 'metadata', 'uid')),
    ...present(
      'scheduledAt',
      text(scheduled, 'status') === 'True' ? date(scheduled, 'lastTransitionTime') : undefined,
    ),
  };
}

function unschedulableMessage(pod: Json): string | undefined {
  const scheduled = condition(pod, 'PodScheduled');
  if (text(scheduled, 'status') !== 'False' || text(scheduled, 'reason') !== 'Unschedulable')
    return undefined;
  return text(scheduled, 'message') ?? 'unschedulable';
}

function failureMessage(pod: Json): string | undefined {
  if (text(pod, 'status', 'phase') !== 'Failed') return undefined;
  return text(pod, 'status', 'message') ?? text(pod, 'status', 'reason') ?? 'the pod failed';
}

function trimContainer(status: Json): ObservedContainer {
  const reason = text(status, 'state', 'waiting', 'reason');
  const message = text(status, 'state', 'waiting', 'message');
  const ended = at(status, 'state', 'terminated') ?? at(status, 'lastState', 'terminated');
  const endedReason = text(ended, 'reason');
  return {
    image: text(status, 'image') ?? '',
    restarts: count(status, 'restartCount'),
    running: at(status, 'state', 'running') !== undefined,
    ...present('startedAt', date(status, 'state', 'running', 'startedAt')),
    ...(reason === undefined ? {} : { waiting: { reason, ...(message === undefined ? {} : { message }) } }),
    ...(ended === undefined
      ? {}
      : {
          termination: {
            exitCode: count(ended, 'exitCode'),
            ...(endedReason === undefined ? {} : { reason: endedReason }),
          },
        }),
  };
}

export function trimVolume(object: Json): ObservedVolume {
  return {
    ...named(object),
    phase: text(object, 'status', 'phase') ?? 'Pending',
    ...present('uid', text(object, 'metadata', 'uid')),
    ...present('createdAt', date(object, 'metadata', 'creationTimestamp')),
  };
}

export function trimDatabase(object: Json): ObservedDatabase {
  const components = Object.values(record(at(object, 'status', 'components')));
  const provisioning = condition(object, 'ProvisioningStarted');
  const refused =
    text(provisioning, 'status') === 'False'
      ? (text(provisioning, 'message') ?? text(provisioning, 'reason') ?? 'refused')
      : undefined;
  const message = databaseMessage(object, components);
  const since = latest(
    list(object, 'status', 'conditions').map((entry) => date(entry, 'lastTransitionTime')),
  );
  return {
    ...named(object),
    phase: text(object, 'status', 'phase') ?? '',
    generationObserved: generationObserved(object, false),
    upToDate: components.length > 0 && components.every(isUpToDate(text(object, 'apiVersion'))),
    starting: components.some((component) => text(component, 'phase') === 'Starting'),
    ...(refused === undefined ? {} : { refused }),
    ...(message === '' ? {} : { message }),
    ...(since === undefined ? {} : { conditionsSince: since }),
  };
}

/**
 * `upToDate` is left out where it is false (reference 1.4), and without any component nothing is up to date. KubeBlocks 0.9
 * does not say it: there the phase is that of the generation it has looked at.
 */
const isUpToDate =
  (apiVersion: string | undefined) =>
  (component: unknown): boolean =>
    at(component, 'upToDate') === true || apiVersion === 'apps.kubeblocks.io/v1alpha1';

function databaseMessage(object: Json, components: readonly unknown[]): string {
  const messages = components.flatMap((component) => Object.values(record(at(component, 'message'))));
  return [text(object, 'status', 'message'), ...messages]
    .filter((part): part is string => typeof part === 'string' && part !== '')
    .join('; ');
}

function latest(dates: readonly (Date | undefined)[]): Date | undefined {
  const times = dates.flatMap((value) => (value === undefined ? [] : [value.getTime()]));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

export function trimSealedSecret(object: Json): ObservedSealedSecret {
  const synced = condition(object, 'Synced');
  const message = text(synced, 'message');
  const state = generationObserved(object, true) ? text(synced, 'status') : undefined;
  return {
    name: named(object).name,
    ...(state === 'True' || state === 'False' ? { synced: state === 'True' } : {}),
    ...(message === undefined ? {} : { message }),
  };
}

/** Admission says so in words only; there is no code for it (plugin ResourceQuota, LimitRanger). */
const refusalOf = (message: string): Pick<ObservedRefusal, 'kind' | 'message'> => ({
  kind: /exceeded quota|maximum \S+ usage per Container/.test(message) ? 'quota' : 'other',
  message,
});

/** An event of reason FailedCreate about a StatefulSet: the API server refused its pod. */
export function trimRefusal(object: Json): ObservedRefusal {
  const message = text(object, 'message') ?? text(object, 'note') ?? '';
  const seen =
    date(object, 'lastTimestamp') ??
    date(object, 'eventTime') ??
    date(object, 'metadata', 'creationTimestamp');
  return {
    ...refusalOf(message),
    ...(seen === undefined ? {} : { at: seen }),
  };
}
