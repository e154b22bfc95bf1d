import type { NoticeSubject, ObservedNotice } from '../model/facts.js';
import type { ProjectKey } from '../model/intent.js';
import { date, text, type Json } from '../shared/json.js';

/** Events: what schedulers, kubelets and provisioners say about a pod or a volume while it comes up. */

export const TENANT_NAMESPACE = /^ns-[a-z0-9]{8}$/;

/** What our objects, and those made from them, are called. No project's name has `--`. */
const NAMES: readonly (readonly [RegExp, NoticeSubject])[] = [
  [/^(?<project>[a-z0-9-]+?)--db-/, 'database'],
  [/^(?<project>[a-z0-9-]+?)--release-/, 'release'],
  [/^(?<project>[a-z0-9-]+?)--workspace$/, 'volume'],
  [/^(?<project>[a-z0-9-]+)-0$/, 'sandbox'],
];

interface Subject {
  readonly about: NoticeSubject;
  readonly project: string;
}

function subjectOf(event: Json): Subject | undefined {
  const named = text(event, 'involvedObject', 'name') ?? '';
  // KubeBlocks puts what a claim is for before the name of the pod.
  const isClaim = text(event, 'involvedObject', 'kind') === 'PersistentVolumeClaim';
  const name = isClaim ? named.replace(/^data-(?=.*--db-)/, '') : named;
  for (const [pattern, about] of NAMES) {
    const project = pattern.exec(name)?.groups?.['project'];
    if (project !== undefined) return { about, project };
  }
  return undefined;
}

export function noticesProject(event: Json): ProjectKey | undefined {
  const namespace = text(event, 'involvedObject', 'namespace') ?? '';
  const subject = subjectOf(event);
  return subject !== undefined && TENANT_NAMESPACE.test(namespace)
    ? { namespace, name: subject.project }
    : undefined;
}

export function noticeOf(event: Json): ObservedNotice {
  const uid = text(event, 'involvedObject', 'uid');
  const at = lastSeen(event);
  return {
    about: subjectOf(event)?.about ?? 'sandbox',
    reason: text(event, 'reason') ?? '',
    message: text(event, 'message') ?? text(event, 'note') ?? '',
    warning: text(event, 'type') === 'Warning',
    ...(uid === undefined ? {} : { uid }),
    ...(at === undefined ? {} : { at }),
  };
}

/** Written by the two generations of event recorders. */
export const lastSeen = (event: Json): Date | undefined =>
  date(event, 'series', 'lastObservedTime') ??
  date(event, 'lastTimestamp') ??
  date(event, 'eventTime') ??
  date(event, 'metadata', 'creationTimestamp');
