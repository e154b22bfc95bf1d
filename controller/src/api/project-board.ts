import type { ProjectDocument } from '@fullstackagent/charts';
import type { ProjectDto, StatusEvent } from '../contract/projects.js';
import type { Freshness, ProjectStatusDto } from '../contract/status.js';
import type { ApplierReport, ObservedApplier, ObservedObjects, ProjectFacts } from '../model/facts.js';
import type { IntentStore, ProjectKey, RenderedView, Versioned } from '../model/intent.js';
import { projectDto, type AddressScheme } from './project-dto.js';

/** The observer, as far as the board knows it. */
export interface Observations {
  observed(key: ProjectKey): ObservedObjects;
  freshness(): Freshness;
  onChange(listener: (keys: readonly ProjectKey[]) => void): () => void;
  onTick(listener: () => void): () => void;
}

export interface BoardOptions {
  readonly intent: IntentStore;
  readonly rendered: RenderedView;
  readonly observer: Observations;
  readonly status: (facts: ProjectFacts, now: Date) => ProjectStatusDto;
  readonly delivered: (facts: ProjectFacts) => boolean;
  readonly scheme: AddressScheme;
  readonly now: () => Date;
  /** What cannot be told now (a platform.yaml that cannot be read) is told with the next change; nothing else stops. */
  readonly onUnexpected: (error: unknown) => void;
}

interface Published {
  readonly key: ProjectKey;
  readonly version: string;
  readonly invalid: string | undefined;
  /** Everything but the age, which changes with every tick. */
  readonly print: string;
  /** Its status can change by time alone. */
  readonly onItsWay: boolean;
}

/** Commits that came another way (a push) are looked through together: that costs a look at every project. */
const SWEEP_MS = 200;

const idOf = (key: ProjectKey): string => `${key.namespace}/${key.name}`;
const atRest: ReadonlySet<string> = new Set(['RUNNING', 'STOPPED', 'TERMINATED']);

/**
 * Puts intent, rendered branch and observations together into what people see, and tells subscribers what changed.
 * Holds nothing that could not be computed again: only what was last told, so as not to tell it twice.
 */
export class ProjectBoard {
  readonly #published = new Map<string, Published>();
  readonly #firstSeen = new Map<string, { version: string; at: Date }>();
  readonly #subscribers = new Set<(event: StatusEvent) => void>();
  #freshness: Freshness['state'] | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(private readonly options: BoardOptions) {}

  /** Listens to all three sources. Answers what ends it. */
  start(): () => void {
    const { intent, rendered, observer } = this.options;
    const ends = [
      intent.onCommit(() => {
        this.#sweep ??= setTimeout(() => {
          this.#guarded(() => this.#publishNewVersions());
        }, SWEEP_MS);
      }),
      rendered.onRendered((keys) => {
        this.#guarded(() => this.#publishAll(keys));
      }),
      observer.onChange((keys) => {
        this.#guarded(() => this.#publishAll(keys));
      }),
      observer.onTick(() => {
        this.#guarded(() => this.#tick());
      }),
    ];
    this.#guarded(() => this.#publishNewVersions());
    return () => {
      for (const end of ends) end();
      clearTimeout(this.#sweep);
    };
  }

  subscribe(listener: (event: StatusEvent) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** Tells about a project at once: whoever changed it knows which one it was. */
  touch(key: ProjectKey): void {
    this.#publish(key);
  }

  project(key: ProjectKey): ProjectDto | undefined {
    const project = this.options.intent.project(key);
    return project === undefined ? undefined : this.#assemble(key, project);
  }

  projects(namespace?: string): readonly ProjectDto[] {
    return this.options.intent.projects(namespace).map((project) => this.#assemble(keyOf(project), project));
  }

  /** True where the applier has applied the document as it stands now, and the cluster was seen since. */
  isApplied(key: ProjectKey): boolean {
    const project = this.options.intent.project(key);
    if (project === undefined || this.options.observer.freshness().state !== 'fresh') return false;
    return this.options.delivered(this.#facts(key, project));
  }

  /** Called from timers and other stages' events, where nobody could answer for an exception. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.options.onUnexpected(error);
    }
  }

  #assemble(key: ProjectKey, project: Versioned<ProjectDocument>): ProjectDto {
    const { intent, scheme, status, now } = this.options;
    const installation = { platform: intent.platform().document, scheme };
    return projectDto(project, status(this.#facts(key, project), now()), installation);
  }

  #facts(key: ProjectKey, { document, version }: Versioned<ProjectDocument>): ProjectFacts {
    const { intent, rendered, observer } = this.options;
    const observed = observer.observed(key);
    const last = rendered.lastRendered(key);
    const invalid = intent.invalid(key)?.message;
    const applier = last === undefined ? undefined : this.#applierReport(observed.applier, last.commit);
    return {
      desired: {
        state: document.spec.state,
        hasDatabase: document.spec.database !== undefined,
        ...((document.spec.release?.replicas ?? 0) > 0 ? { hasRelease: true } : {}),
        ...(document.spec.purge === undefined ? {} : { purging: document.spec.purge }),
        changedAt: this.#changedAt(key, version),
        version,
      },
      observed,
      freshness: observer.freshness(),
      ...(last === undefined ? {} : { rendered: last }),
      ...(invalid === undefined ? {} : { invalid }),
      ...(applier === undefined ? {} : { applier }),
    };
  }

  /** Revisions turned into yes and no: only git knows what comes after what. */
  #applierReport(observed: ObservedApplier | undefined, commit: string): ApplierReport | undefined {
    if (observed === undefined) return undefined;
    const { appliedRevision, attemptedRevision, failure, current } = observed;
    const includes = (revision: string | undefined): boolean =>
      revision !== undefined && this.options.rendered.includes(revision, commit);
    return {
      applied: current && includes(appliedRevision),
      // An applier that does not say what it tried (an ExternalArtifact's digest) tried what it failed at.
      attempted: attemptedRevision === undefined ? failure !== undefined : includes(attemptedRevision),
      everApplied: appliedRevision !== undefined,
      ...(failure === undefined ? {} : { failure }),
    };
  }

  #changedAt(key: ProjectKey, version: string): Date {
    const seen = this.#firstSeen.get(idOf(key));
    if (seen?.version === version) return seen.at;
    const at = this.options.now();
    this.#firstSeen.set(idOf(key), { version, at });
    return at;
  }

  /** A commit on `main` may be about any project: those that are not as they were last told. */
  #publishNewVersions(): void {
    this.#sweep = undefined;
    const current = new Set<string>();
    for (const project of this.options.intent.projects()) {
      const key = keyOf(project);
      current.add(idOf(key));
      if (!this.#isToldAs(project)) this.#publish(key);
    }
    for (const [id, { key }] of this.#published) if (!current.has(id)) this.#publish(key);
  }

  /** Also false where the document became unreadable: its last good version stands, and that is told. */
  #isToldAs(project: Versioned<ProjectDocument>): boolean {
    const key = keyOf(project);
    const told = this.#published.get(idOf(key));
    return told?.version === project.version && told.invalid === this.options.intent.invalid(key)?.message;
  }

  #publishAll(keys: readonly ProjectKey[]): void {
    for (const key of keys) this.#publish(key);
  }

  #publish(key: ProjectKey): void {
    const dto = this.project(key);
    const before = this.#published.get(idOf(key));
    if (dto === undefined) {
      if (before === undefined) return;
      this.#published.delete(idOf(key));
      this.#firstSeen.delete(idOf(key));
      this.#emit({ type: 'removed', namespace: key.namespace, id: key.name });
      return;
    }
    const print = JSON.stringify({ ...dto, freshness: dto.freshness.state });
    const invalid = this.options.intent.invalid(key)?.message;
    this.#published.set(idOf(key), {
      key,
      version: dto.version,
      invalid,
      print,
      onItsWay: !atRest.has(dto.status),
    });
    if (before?.print !== print) this.#emit({ type: 'project', project: dto });
  }

  /** Time has passed: what is on its way may have timed out; what is at rest changes with its facts only. */
  #tick(): void {
    const freshness = this.options.observer.freshness();
    const turned = freshness.state !== this.#freshness;
    this.#freshness = freshness.state;
    for (const { key, onItsWay } of [...this.#published.values()]) if (turned || onItsWay) this.#publish(key);
    if (freshness.state !== 'fresh' || turned) this.#emit({ type: 'freshness', freshness });
  }

  #emit(event: StatusEvent): void {
    for (const subscriber of this.#subscribers) subscriber(event);
  }
}

const keyOf = ({ document }: Versioned<ProjectDocument>): ProjectKey => ({
  namespace: document.metadata.namespace,
  name: document.metadata.name,
});
