import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { documentAt } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { ProposalDto } from '../contract/remote.js';
import { differenceShown, mergeFile } from '../intent/merge/index.js';
import type { Accepted, Author, IntentStore, ProjectKey } from '../model/intent.js';
import type { LogEntry, Repository, Signature } from '../model/repository.js';
import type { Collision } from './merge-upstream.js';

const FAMILY = 'refs/proposals/';
const ID = /^[0-9a-f]{16}$/;
const UPSTREAM = 'Upstream-Commit';
const BASE = 'Base';
const NONE = 'none';
/** How often the file may change while somebody decides about it. */
const ATTEMPTS = 5;

export interface ProposalDeps {
  readonly repository: Repository;
  readonly store: Pick<IntentStore, 'change' | 'versionAt'> & {
    readonly fileAt: (path: string) => string | undefined;
    readonly tip: () => string | undefined;
  };
  readonly now: () => Date;
}

export interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

/** Where a proposal comes from. */
export interface ProposedBy {
  /** What is here, which the proposal is made on. */
  readonly tip: string;
  readonly theirs: string;
  /** The newest commit there that changed the file. */
  readonly last: Pick<LogEntry, 'author' | 'subject' | 'at'> | undefined;
}

interface Proposal {
  readonly id: string;
  readonly ref: string;
  readonly path: string;
  /** Blob ids of the file: where the two parted, here when they were put together, as proposed. */
  readonly base: string | null;
  readonly stood: string | null;
  readonly proposed: string | null;
  readonly upstream: string;
  readonly entry: LogEntry;
}

/**
 * What others changed and could not be merged: each a commit on what stood here, held by a ref. Accepting is a change like
 * any other; dismissing is a commit that says so.
 */
export class Proposals {
  constructor(private readonly deps: ProposalDeps) {}

  /** Durable when it answers. Done again for the same collision, it is the same proposal. */
  async record(collision: Collision, by: ProposedBy): Promise<void> {
    const { repository } = this.deps;
    const ref = `${FAMILY}${idOf(collision, by)}`;
    if ((await repository.refs.read(ref)) !== undefined) return;
    const { path, proposed } = collision;
    const change =
      proposed === undefined
        ? { edits: [], takes: [{ path, blob: collision.theirs }] }
        : { edits: [{ path, content: proposed }] };
    const committer = this.#committer();
    const author = by.last === undefined ? committer : { ...by.last.author, at: by.last.at };
    const message = messageOf(collision, by);
    await repository.refs.set(
      ref,
      await repository.commitBeside(by.tip, { ...change, author, committer, message }),
    );
  }

  /** Newest first. Those of a merge that never came about are none. */
  async list(): Promise<readonly ProposalDto[]> {
    const proposals = await this.#all();
    const shown = await Promise.all(proposals.map((proposal) => this.#shown(proposal)));
    return shown.sort((a, b) => b.at.localeCompare(a.at));
  }

  async count(): Promise<number> {
    return (await this.deps.repository.refs.list(FAMILY)).size;
  }

  /** Throws NOT_FOUND where nobody has to decide about it (any more). */
  async accept(asked: Asked, id: string): Promise<Accepted> {
    const proposal = await this.#find(id);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const accepted = await this.#accept(asked, proposal);
      if (accepted === undefined) continue;
      await this.deps.repository.refs.remove(proposal.ref);
      return accepted;
    }
    throw new AppError('STALE_VERSION', `${proposal.path} keeps changing. Try again.`);
  }

  async dismiss(asked: Asked, id: string): Promise<Accepted> {
    const proposal = await this.#find(id);
    const accepted = await this.deps.store.change({
      ...asked,
      ...projectOf(proposal.path),
      action: 'dismiss-proposal',
      subject: `Keep ${proposal.path} as it is`,
      evenIfUnchanged: true,
      decide: () => [],
    });
    await this.deps.repository.refs.remove(proposal.ref);
    return accepted;
  }

  async pathOf(id: string): Promise<string> {
    return (await this.#find(id)).path;
  }

  /** undefined where the file changed meanwhile. */
  async #accept(asked: Asked, proposal: Proposal): Promise<Accepted | undefined> {
    const { store } = this.deps;
    await this.#requireText(proposal);
    const { path, stood, proposed } = proposal;
    const now = store.fileAt(path) ?? null;
    const [base = null, theirs = null, ours = null] = await this.#texts(stood, proposed, now);
    // What is proposed counts; what changed since about other fields stays.
    const { content } = mergeFile({ path, base, ours: theirs, theirs: ours });
    try {
      return await store.change({
        ...asked,
        ...projectOf(path),
        action: 'accept-proposal',
        subject: `Accept ${path} as changed in ${proposal.upstream.slice(0, 12)}`,
        evenIfUnchanged: true,
        decide: (view) => {
          const standing = documentAt(path) === undefined ? store.fileAt(path) : view.versionAt(path);
          if ((standing ?? null) !== now) throw new MovedMeanwhile();
          return [{ path, content }];
        },
      });
    } catch (error) {
      if (error instanceof MovedMeanwhile) return undefined;
      throw error;
    }
  }

  async #shown({ id, path, base, proposed, upstream, entry }: Proposal): Promise<ProposalDto> {
    const now = this.deps.store.fileAt(path) ?? null;
    const [before = null, ours = null, theirs = null] = await this.#texts(base, now, proposed);
    const { conflicts } = mergeFile({ path, base: before, ours, theirs });
    const { project } = projectOf(path);
    return {
      id,
      path,
      ...(project === undefined ? {} : { project: { namespace: project.namespace, id: project.name } }),
      at: entry.at.toISOString(),
      author: entry.author.name,
      subject: entry.subject,
      upstreamCommit: upstream,
      fields: conflicts.filter(({ field }) => field !== '').map(differenceShown),
    };
  }

  async #find(id: string): Promise<Proposal> {
    const found = ID.test(id) ? await this.deps.repository.refs.read(`${FAMILY}${id}`) : undefined;
    const proposal = found === undefined ? undefined : await this.#read(`${FAMILY}${id}`, found);
    if (proposal !== undefined) return proposal;
    throw new AppError('NOT_FOUND', 'There is no such proposal, or somebody has decided about it.');
  }

  async #all(): Promise<readonly Proposal[]> {
    const refs = await this.deps.repository.refs.list(FAMILY);
    const read = await Promise.all([...refs].map(([ref, commit]) => this.#read(ref, commit)));
    return read.filter((proposal) => proposal !== undefined);
  }

  /** undefined for what somebody else made of such a ref, and for what was never merged. */
  async #read(ref: string, commit: string): Promise<Proposal | undefined> {
    const query = { from: commit, limit: 1, order: 'newest first', files: true } as const;
    const [entry] = await this.deps.repository.log(query);
    const proposal = entry === undefined ? undefined : proposalIn(entry, ref);
    return proposal !== undefined && (await this.#isMerged(proposal.upstream)) ? proposal : undefined;
  }

  async #isMerged(upstream: string): Promise<boolean> {
    const tip = this.deps.store.tip();
    return tip !== undefined && (await this.deps.repository.isAncestor(upstream, tip));
  }

  async #requireText({ path, proposed }: Proposal): Promise<void> {
    const contents = await this.deps.repository.readBlobs(proposed === null ? [] : [proposed]);
    if (contents.every((content) => isUtf8(content) && !content.includes(0))) return;
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      `${path} is no text there. Change it there again, as it stands now, or dismiss the proposal.`,
    );
  }

  async #texts(...ids: readonly (string | null)[]): Promise<readonly (string | null)[]> {
    const wanted = ids.filter((id) => id !== null);
    const contents = await this.deps.repository.readBlobs(wanted);
    const texts = new Map(wanted.map((id, index) => [id, contents[index]?.toString('utf8') ?? null]));
    return ids.map((id) => (id === null ? null : (texts.get(id) ?? null)));
  }

  #committer(): Signature {
    return { name: 'FullstackAgent portal', email: 'portal@fullstackagent.dev', at: this.deps.now() };
  }
}

class MovedMeanwhile extends Error {
  override readonly name = 'MovedMeanwhile';
}

function proposalIn(entry: LogEntry, ref: string): Proposal | undefined {
  const [file] = entry.files;
  const upstream = entry.trailers.get(UPSTREAM);
  const base = entry.trailers.get(BASE);
  if (file === undefined || upstream === undefined || base === undefined) return undefined;
  return {
    ...{ id: ref.slice(FAMILY.length), ref, path: file.path, upstream, entry },
    base: base === NONE ? null : base,
    stood: file.before,
    proposed: file.after,
  };
}

function projectOf(path: string): { readonly project?: ProjectKey } {
  const ref = documentAt(path);
  return ref?.kind === 'Project' ? { project: { namespace: ref.namespace, name: ref.name } } : {};
}

const idOf = ({ path, base, theirs }: Collision, by: ProposedBy): string =>
  createHash('sha256').update([path, base, theirs, by.theirs].join('\0')).digest('hex').slice(0, 16);

/** Subjects are one line already: git says so. */
function messageOf({ base }: Collision, { theirs, last }: ProposedBy): string {
  const trailers = ['Action: propose', `${UPSTREAM}: ${theirs}`, `${BASE}: ${base ?? NONE}`];
  return `${last?.subject ?? 'Changed elsewhere'}\n\n${trailers.join('\n')}\n`;
}
