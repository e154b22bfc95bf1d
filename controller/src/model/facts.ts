import type { ProjectState } from '@fullstackagent/charts';
import type { Freshness } from '../contract/status.js';

/**
 * What is known about one project at one moment: the only thing status is computed from. Gathered by `api/` from the
 * intent store, the rendered branch and the observer; no field is a guess, what is not known is absent.
 */
export interface ProjectFacts {
  readonly desired: DesiredFacts;
  /** The document on `main` cannot be used; the last good one is what `desired` says. */
  readonly invalid?: string;
  readonly rendered?: RenderedFacts;
  readonly applier?: ApplierReport;
  readonly observed: ObservedObjects;
  readonly freshness: Freshness;
}

export interface DesiredFacts {
  readonly state: ProjectState;
  readonly hasDatabase: boolean;
  /** There is a release, of one pod or more. */
  readonly hasRelease?: boolean;
  /** Deleted, and its data is on its way out for ever: the step that it has come to. */
  readonly purging?: 'Unprotect' | 'Remove';
  /** When this version of the document was first seen here: what a time limit counts from, at the earliest. */
  readonly changedAt: Date;
  /** Blob id of the document. */
  readonly version: string;
}

export interface RenderedFacts {
  readonly commit: string;
  /** Blob id of the document it was rendered from. */
  readonly version: string;
}

/**
 * What the applier says about the project's folder, the same for Flux, Argo CD and the local engine.
 * `applied` and `attempted` are ancestry turned into yes or no by whoever can ask git: the revision is the commit in
 * {@link RenderedFacts}, or comes after it.
 */
export interface ApplierReport {
  readonly applied: boolean;
  readonly attempted: boolean;
  /** True once any revision of the folder was applied. */
  readonly everApplied: boolean;
  readonly failure?: ApplyFailure;
}

/** `paused`: an operator holds the applier back. `health`: applied, and what was applied is not healthy (yet); the objects themselves say more. */
export type ApplyFailureKind = 'source' | 'paused' | 'apply' | 'quota' | 'health';

export interface ApplyFailure {
  readonly kind: ApplyFailureKind;
  readonly message: string;
}

/** An applier's object as observed: revisions are commit ids on `rendered`. */
export interface ObservedApplier {
  readonly appliedRevision?: string;
  readonly attemptedRevision?: string;
  /** False while the applier has not looked at its own object's latest generation. */
  readonly current: boolean;
  readonly failure?: ApplyFailure;
}

/** What status needs of the cluster's objects of one project, and nothing more. */
export interface ObservedObjects {
  readonly statefulSet?: ObservedStatefulSet;
  readonly pods: readonly ObservedPod[];
  readonly deployment?: ObservedDeployment;
  readonly releasePods?: readonly ObservedPod[];
  readonly volume?: ObservedVolume;
  readonly database?: ObservedDatabase;
  readonly sealedSecrets: readonly ObservedSealedSecret[];
  readonly applier?: ObservedApplier;
  /** The newest refusal to create the sandbox's pod (an event), while it is remembered by the cluster. */
  readonly refusal?: ObservedRefusal;
  /** What the cluster notes about pods and volumes (events), while it remembers. */
  readonly notices?: readonly ObservedNotice[];
}

export interface ObservedObject {
  readonly name: string;
  /** Annotation `fullstackagent.dev/intent`: blob id of the document the object was rendered from. */
  readonly intent?: string;
  readonly deleting: boolean;
  /** When anything but its status last changed. */
  readonly changedAt?: Date;
}

export interface ObservedStatefulSet extends ObservedObject {
  readonly replicas: number;
  readonly readyReplicas: number;
  /** The controller of StatefulSets has seen the latest generation. */
  readonly generationObserved: boolean;
  /** All pods are of the latest template. */
  readonly rolledOut: boolean;
}

export interface ObservedDeployment extends ObservedObject {
  readonly replicas: number;
  readonly availableReplicas: number;
  /** The latest generation is seen, all pods are of it, and all of them answer. */
  readonly rolledOut: boolean;
  /** Its pods are not let in (condition `ReplicaFailure` is True). */
  readonly refused?: Pick<ObservedRefusal, 'kind' | 'message'>;
  /** It has not got on for longer than it may (condition `Progressing` is False). */
  readonly stuck?: string;
}

export interface ObservedPod {
  readonly name: string;
  /** Else of the sandbox. */
  readonly ofRelease?: boolean;
  readonly deleting: boolean;
  readonly ready: boolean;
  readonly uid?: string;
  readonly createdAt?: Date;
  /** When a machine was found for it. */
  readonly scheduledAt?: Date;
  /** When `ready` last changed. */
  readonly readySince?: Date;
  readonly failed?: string;
  readonly unschedulable?: string;
  readonly containers: readonly ObservedContainer[];
}

export interface ObservedContainer {
  readonly image: string;
  readonly restarts: number;
  readonly running: boolean;
  readonly startedAt?: Date;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  /** How it ended, this time or the time before. */
  readonly termination?: { readonly exitCode: number; readonly reason?: string };
}

export interface ObservedVolume extends ObservedObject {
  /** `Pending`, `Bound`, `Lost`. */
  readonly phase: string;
  readonly uid?: string;
  readonly createdAt?: Date;
}

export interface ObservedDatabase extends ObservedObject {
  /** As KubeBlocks reports it; `''` before its first look. */
  readonly phase: string;
  readonly generationObserved: boolean;
  /** Every component says `upToDate: true`. */
  readonly upToDate: boolean;
  /** Any component is in phase `Starting`. */
  readonly starting: boolean;
  /** Why provisioning was refused (condition `ProvisioningStarted` is False). */
  readonly refused?: string;
  readonly message?: string;
  readonly conditionsSince?: Date;
}

export interface ObservedSealedSecret {
  readonly name: string;
  readonly synced?: boolean;
  readonly message?: string;
}

export interface ObservedRefusal {
  readonly kind: 'quota' | 'other';
  readonly message: string;
  readonly at?: Date;
}

/** What the event is about: told by the object's name, since an event has no labels. */
export type NoticeSubject = 'sandbox' | 'database' | 'release' | 'volume';

export interface ObservedNotice {
  readonly about: NoticeSubject;
  /** Of the object: a pod of the same name may have taken its place since. */
  readonly uid?: string;
  readonly reason: string;
  readonly message: string;
  readonly warning: boolean;
  readonly at?: Date;
}

export const nothingObserved: ObservedObjects = { pods: [], sealedSecrets: [] };
