import { objectNames } from '@fullstackagent/charts';
import {
  nothingObserved,
  type ObservedApplier,
  type ObservedDatabase,
  type ObservedDeployment,
  type ObservedNotice,
  type ObservedObjects,
  type ObservedPod,
  type ObservedRefusal,
  type ObservedSealedSecret,
  type ObservedStatefulSet,
  type ObservedVolume,
} from '../model/facts.js';
import type { ProjectKey } from '../model/intent.js';
import { text, type Json } from '../shared/json.js';
import type { ObservedKind, WatchedResource } from './resources.js';

interface Entry {
  readonly project: ProjectKey;
  readonly value: unknown;
  /** To notice that an object changed in nothing that matters here (a heartbeat, a managed field). */
  readonly print: string;
}

const idOf = (key: ProjectKey): string => `${key.namespace}/${key.name}`;

/** What was observed, by project. Every change answers with the projects it concerns; cost follows changes. */
export class ProjectIndex {
  readonly #objects = new Map<ObservedKind, Map<string, Entry>>();
  readonly #projects = new Map<string, Map<ObservedKind, Map<string, unknown>>>();

  put(resource: WatchedResource, object: Json): ProjectKey | undefined {
    const project = resource.projectOf(object);
    const name = nameOf(object);
    if (project === undefined) return this.remove(resource.kind, name);
    const value = resource.trim(object);
    const print = JSON.stringify(value);
    const objects = this.#objectsOf(resource.kind);
    if (objects.get(name)?.print === print) return undefined;
    objects.set(name, { project, value, print });
    const kinds = this.#projects.get(idOf(project)) ?? new Map<ObservedKind, Map<string, unknown>>();
    const values = kinds.get(resource.kind) ?? new Map<string, unknown>();
    this.#projects.set(idOf(project), kinds.set(resource.kind, values.set(name, value)));
    return project;
  }

  remove(kind: ObservedKind, name: string): ProjectKey | undefined {
    const objects = this.#objectsOf(kind);
    const entry = objects.get(name);
    if (entry === undefined) return undefined;
    objects.delete(name);
    const kinds = this.#projects.get(idOf(entry.project));
    const values = kinds?.get(kind);
    values?.delete(name);
    if (values?.size === 0) kinds?.delete(kind);
    if (kinds?.size === 0) this.#projects.delete(idOf(entry.project));
    return entry.project;
  }

  /** A whole list: what is not in it is gone. */
  replace(resource: WatchedResource, objects: readonly Json[]): readonly ProjectKey[] {
    const listed = new Set(objects.map(nameOf));
    const gone = [...this.#objectsOf(resource.kind).keys()].filter((name) => !listed.has(name));
    return [
      ...gone.map((name) => this.remove(resource.kind, name)),
      ...objects.map((object) => this.put(resource, object)),
    ].filter((key) => key !== undefined);
  }

  observed(key: ProjectKey): ObservedObjects {
    const kinds = this.#projects.get(idOf(key));
    if (kinds === undefined) return nothingObserved;
    const all = (kind: ObservedKind): unknown[] => [...(kinds.get(kind)?.values() ?? [])];
    // By name: an operator may copy our labels to objects of its own.
    const one = (kind: ObservedKind, name: string): unknown =>
      kinds.get(kind)?.get(`${key.namespace}/${name}`);
    const names = objectNames(key.name);
    const pods = all('pod') as ObservedPod[];
    const notices = NOTICES.flatMap(all) as ObservedNotice[];
    const found = {
      statefulSet: one('statefulSet', names.sandbox) as ObservedStatefulSet | undefined,
      deployment: one('deployment', names.release) as ObservedDeployment | undefined,
      volume: one('volume', names.workspace) as ObservedVolume | undefined,
      database: one('database', names.database) as ObservedDatabase | undefined,
      applier: (one('applier', key.name) ?? first(kinds.get('application'))) as ObservedApplier | undefined,
      refusal: newest(all('refusal') as ObservedRefusal[]),
    };
    return {
      pods: pods.filter(({ ofRelease }) => ofRelease !== true),
      ...(pods.some(({ ofRelease }) => ofRelease === true)
        ? { releasePods: pods.filter(({ ofRelease }) => ofRelease === true) }
        : {}),
      sealedSecrets: all('sealedSecret') as ObservedSealedSecret[],
      ...(notices.length > 0 ? { notices } : {}),
      ...present(found),
    };
  }

  #objectsOf(kind: ObservedKind): Map<string, Entry> {
    const objects = this.#objects.get(kind) ?? new Map<string, Entry>();
    this.#objects.set(kind, objects);
    return objects;
  }
}

const NOTICES: readonly ObservedKind[] = ['podWarning', 'imagePull', 'volumeNotice'];

/** By name, so that a second Application of one folder does not make the status change with every restart. */
const first = (objects: ReadonlyMap<string, unknown> | undefined): unknown =>
  objects?.get([...objects.keys()].sort()[0] ?? '');

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined: what was not observed is absent. */
const present = <T extends object>(fields: T): Present<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;

export const nameOf = (object: Json): string =>
  `${text(object, 'metadata', 'namespace') ?? ''}/${text(object, 'metadata', 'name') ?? ''}`;

const newest = (refusals: readonly ObservedRefusal[]): ObservedRefusal | undefined =>
  [...refusals].sort((a, b) => (b.at?.getTime() ?? 0) - (a.at?.getTime() ?? 0))[0];
