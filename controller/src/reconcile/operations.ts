import { documentAt, type PlatformDocument } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type {
  CommitSummary,
  HeldRemovalDto,
  OperationsDto,
  ProjectName,
  RolloutDto,
  RolloutPlanDto,
} from '../contract/operations.js';
import type { ProjectKey } from '../model/intent.js';
import type { Branch, FileChange, Repository, Snapshot } from '../model/repository.js';
import { folderEdits, type Charts } from '../render/index.js';
import { rollOutWarnings } from './installation-notices.js';
import { rendering } from './platform-change.js';
import { isRemoval } from './removal-guard.js';
import type { RollOut, Standing } from './standing.js';

/** So many projects are rendered to show what a new platform would change. */
const SAMPLE = 20;

export interface OperationsDeps {
  readonly repository: Repository;
  readonly rendered: Branch<Snapshot>;
  readonly charts: Charts;
  /** Where rendering stands; undefined while nobody knows. */
  readonly standing: () => Standing | undefined;
  readonly notices: (platform: PlatformDocument | undefined) => readonly string[];
  readonly stoppedBy: () => { readonly key: ProjectKey; readonly message: string } | undefined;
}

/** What is held back, for an operator to decide about. */
export class Operations {
  constructor(private readonly deps: OperationsDeps) {}

  async list(): Promise<OperationsDto> {
    const standing = this.#standing();
    const removals = await Promise.all([...standing.held].map(([commit]) => this.#removal(standing, commit)));
    const rollout =
      standing.rollOut === undefined ? undefined : await this.#rollout(standing, standing.rollOut);
    return {
      removals: removals.filter(({ projects }) => projects.length > 0),
      ...(rollout === undefined ? {} : { rollout }),
      ...some('notices', this.deps.notices(standing.platform?.document)),
    };
  }

  /** The documents that a commit took away and nobody put back since. Throws NOT_FOUND where nothing of it is held. */
  async removedBy(commit: string): Promise<readonly FileChange[]> {
    const standing = this.#standing();
    const since = standing.held.get(commit);
    if (since === undefined)
      throw new AppError('NOT_FOUND', 'Nothing of this commit is held back (any more).');
    const removed: FileChange[] = [];
    for (const change of await this.deps.repository.diff(since, commit)) {
      if (documentAt(change.path)?.kind !== 'Project' || !(await isRemoval(standing.documents, change)))
        continue;
      const now = await standing.documents.document(change.path);
      const still = now === undefined || (now.kind === 'Project' && now.document.spec.state === 'Deleted');
      if (still) removed.push(change);
    }
    return removed;
  }

  /** The roll-out that is waiting, rolling or stopped, and the platform before it. Throws NOT_FOUND. */
  rollOut(): { readonly rollOut: RollOut; readonly inForce: string | undefined } {
    const { rollOut, platform } = this.#standing();
    if (rollOut === undefined) throw new AppError('NOT_FOUND', 'There is no roll-out.');
    return { rollOut, inForce: platform?.version };
  }

  async plan(): Promise<RolloutPlanDto> {
    this.rollOut();
    const { documents } = this.#standing();
    const latest = documents.platform();
    const tree = this.deps.rendered.snapshot();
    let [sampled, changed] = [0, 0];
    let example: RolloutPlanDto['example'];
    for (const path of documents
      .paths()
      .filter((one) => documentAt(one)?.kind === 'Project')
      .slice(0, SAMPLE)) {
      const document = await documents.document(path);
      if (document?.kind !== 'Project' || latest === undefined) continue;
      sampled += 1;
      const one = rendering(this.deps.charts, latest.document, document);
      const edits =
        one !== undefined && 'folders' in one
          ? one.folders.flatMap((folder) => folderEdits(folder, tree))
          : [];
      if (edits.length === 0) continue;
      changed += 1;
      const { namespace, name } = document.document.metadata;
      example ??= { namespace, id: name, files: await this.#beforeAndAfter(tree, edits) };
    }
    return { sampled, changed, ...(example === undefined ? {} : { example }) };
  }

  #standing(): Standing {
    const standing = this.deps.standing();
    if (standing === undefined) throw new AppError('NOT_READY', 'Rendering has not begun yet. Try again.');
    return standing;
  }

  async #removal(standing: Standing, commit: string): Promise<HeldRemovalDto> {
    const [summary, removed] = await Promise.all([this.#summary(commit), this.removedBy(commit)]);
    return { ...summary, projects: removed.map(({ path }) => projectAt(path)) };
  }

  async #rollout({ documents, platform }: Standing, rollOut: RollOut): Promise<RolloutDto> {
    const waiting = rollOut.state === 'waiting';
    const warnings = waiting ? rollOutWarnings(platform?.document, documents.platform()?.document) : [];
    const paths = documents.paths();
    const stoppedBy = rollOut.state === 'rolling' ? this.deps.stoppedBy() : undefined;
    const through = rollOut.state === 'rolling' ? rollOut.through : '';
    return {
      ...(await this.#summary(rollOut.commit)),
      state: stoppedBy === undefined ? rollOut.state : 'stopped',
      done: paths.filter((path) => path <= through).length,
      total: paths.length,
      ...some('warnings', warnings),
      ...(stoppedBy === undefined
        ? {}
        : {
            stoppedBy: {
              namespace: stoppedBy.key.namespace,
              id: stoppedBy.key.name,
              message: stoppedBy.message,
            },
          }),
    };
  }

  async #summary(commit: string): Promise<CommitSummary> {
    const [entry] = await this.deps.repository.log({ from: commit, limit: 1, order: 'newest first' });
    return {
      commit,
      at: (entry?.at ?? new Date(0)).toISOString().replace(/\.\d{3}Z$/, 'Z'),
      author: entry?.author.name ?? '',
      subject: entry?.subject ?? '',
    };
  }

  async #beforeAndAfter(
    tree: Snapshot,
    edits: ReturnType<typeof folderEdits>,
  ): Promise<NonNullable<RolloutPlanDto['example']>['files']> {
    return Promise.all(
      edits.map(async ({ path, content }) => {
        const blob = tree.blobAt(path);
        const [before] = blob === undefined ? [] : await this.deps.repository.readBlobs([blob]);
        return { path, before: before?.toString('utf8') ?? null, after: content };
      }),
    );
  }
}

const some = <K extends string>(key: K, texts: readonly string[]): Partial<Record<K, readonly string[]>> =>
  texts.length === 0 ? {} : ({ [key]: texts } as Record<K, readonly string[]>);

function projectAt(path: string): ProjectName {
  const ref = documentAt(path);
  return ref?.kind === 'Project' ? { namespace: ref.namespace, id: ref.name } : { namespace: '', id: path };
}
