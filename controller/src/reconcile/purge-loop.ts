import type { PlatformDocument, ProjectDocument } from '@fullstackagent/charts';
import type { Accepted, ProjectKey, Versioned } from '../model/intent.js';

export interface PurgeDeps {
  readonly intent: {
    projects(): readonly Versioned<ProjectDocument>[];
    platform(): Versioned<PlatformDocument>;
  };
  readonly changes: {
    /** The retention of a deleted project is over. */
    expire(key: ProjectKey): Promise<Accepted>;
    advance(key: ProjectKey, from: NonNullable<ProjectDocument['spec']['purge']>): Promise<Accepted>;
  };
  readonly cluster: {
    /** The applier has applied the document as it stands. */
    isApplied(key: ProjectKey): boolean;
    /** Nothing of the project is rendered, and nothing of it is in the cluster any more. */
    isGone(key: ProjectKey): Promise<boolean>;
  };
  readonly now: () => Date;
  /** Milliseconds of a clock that nobody sets. */
  readonly elapsed: () => number;
  readonly log: { error(context: object, message: string): void };
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A clock that is wrong when a machine starts is set right within this time. A retention has to be over for so long. */
const SURE_MS = 10 * 60 * 1000;
/** How often deleted projects are looked at. */
const EVERY_MS = 2_000;

/**
 * Takes deleted projects away when their retention is over, and purges a step further when the cluster has done the one
 * before. What is to be done next is what the document says: nothing is remembered here but since when a retention is
 * over, since a clock that is ahead for a moment must not take what was to be kept for weeks.
 */
export class PurgeLoop {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #overSince = new Map<string, number>();

  constructor(private readonly deps: PurgeDeps) {}

  /** Answers what ends it, after the look that is under way. */
  start(): () => Promise<void> {
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.look());
    }, EVERY_MS);
    this.#timer.unref();
    return async () => {
      clearInterval(this.#timer);
      await this.#running;
    };
  }

  /** Each deleted project once. Never rejects: one that fails is tried again at the next look, and stops no other. */
  async look(): Promise<void> {
    const deleted = this.deps.intent.projects().filter(({ document }) => document.spec.state === 'Deleted');
    this.#forgetAllBut(new Set(deleted.map(({ document }) => deletionOf(document))));
    for (const { document } of deleted) {
      const { namespace, name } = document.metadata;
      try {
        await this.#step({ namespace, name }, document);
      } catch (err) {
        this.deps.log.error({ err, namespace, project: name }, 'A project could not be purged further.');
      }
    }
  }

  async #step(key: ProjectKey, document: ProjectDocument): Promise<void> {
    const { changes, cluster } = this.deps;
    const { purge } = document.spec;
    if (purge === undefined && this.#isOver(document)) await changes.expire(key);
    if (purge === 'Unprotect' && cluster.isApplied(key)) await changes.advance(key, purge);
    if (purge === 'Remove' && (await cluster.isGone(key))) await changes.advance(key, purge);
  }

  #isOver(document: ProjectDocument): boolean {
    const { intent, now, elapsed } = this.deps;
    const { deletedAt } = document.spec;
    const { deletedDays } = intent.platform().document.spec.retention;
    const end = deletedAt === undefined ? Infinity : Date.parse(deletedAt) + deletedDays * DAY_MS;
    const deletion = deletionOf(document);
    if (end > now().getTime()) {
      this.#overSince.delete(deletion);
      return false;
    }
    const since = this.#overSince.get(deletion) ?? elapsed();
    this.#overSince.set(deletion, since);
    return elapsed() - since >= SURE_MS;
  }

  #forgetAllBut(deletions: ReadonlySet<string>): void {
    for (const deletion of this.#overSince.keys())
      if (!deletions.has(deletion)) this.#overSince.delete(deletion);
  }
}

/** Of a project that is restored and deleted again, what was found of the first time says nothing of the second. */
const deletionOf = ({ metadata: { namespace, name }, spec: { deletedAt } }: ProjectDocument): string =>
  `${namespace}/${name} ${deletedAt ?? ''}`;
