import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { projectPath } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { ReleasePlanInput } from '../contract/plan.js';
import type { ReleaseInput, RollBackInput } from '../contract/release.js';
import type { Accepted, Author, ChangeRequest, Edit, ProjectKey } from '../model/intent.js';
import type { LogEntry, Repository } from '../model/repository.js';
import { intentCommit } from './commit-message.js';
import type { FormBase } from './decisions/form-change.js';
import type { RandomBytes } from './decisions/random.js';
import { rollBack, setRelease, takeDown, type Release } from './decisions/release.js';
import { storedDocument } from './documents.js';
import type { GitIntentStore } from './intent-store.js';
import { seal, type Seal } from './sealing.js';

export interface ReleaseChangesDeps {
  readonly store: Pick<GitIntentStore, 'change' | 'preview' | 'project' | 'projectVersion' | 'tip'>;
  readonly repository: Pick<Repository, 'log' | 'readBlobs'>;
  readonly random?: RandomBytes;
  readonly seal?: Seal;
}

interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

/** A commit on `main` after which the release was another; `release` is absent where it took it down. */
export interface ReleaseCommit {
  readonly commit: string;
  readonly at: Date;
  readonly author: Author;
  readonly subject: string;
  readonly release?: Release;
}

export interface ReleasePlan {
  readonly edits: readonly Edit[];
  /** Drawn, where there was none. */
  readonly releaseHost?: string;
}

/** A release that is older than so many changes of its project is released again. */
const CHANGES_LOOKED_AT = 200;

/** What people do with the release of a project, each as one commit on `main`. Rejects with an AppError. */
export class GitReleaseChanges {
  readonly #set: ReturnType<typeof setRelease>;
  readonly #random: RandomBytes;

  constructor(private readonly deps: ReleaseChangesDeps) {
    this.#random = deps.random ?? randomBytes;
    this.#set = setRelease({ random: this.#random, seal: deps.seal ?? seal });
  }

  async release(asked: Asked, { key, input }: { key: ProjectKey; input: ReleaseInput }): Promise<Accepted> {
    const decide = await this.#decideRelease(key, input);
    const standing = this.deps.store.project(key)?.document.spec.release;
    const subject = subjectOf(key, input, standing);
    return this.deps.store.change({ ...asked, action: 'release', subject, project: key, decide });
  }

  /** What it would write, and the address. Throws as the change would. */
  async plan({ key, input }: { key: ProjectKey; input: ReleasePlanInput }): Promise<ReleasePlan> {
    const edits = this.deps.store.preview(await this.#decisionOf(key, input));
    const releaseHost = edits.map(hostIn).find((host) => host !== undefined);
    return { edits, ...(releaseHost === undefined ? {} : { releaseHost }) };
  }

  async #decisionOf(key: ProjectKey, input: ReleasePlanInput): Promise<ChangeRequest['decide']> {
    if ('release' in input) return this.#decideRelease(key, input.release);
    if ('rollBack' in input) return this.#decideRollBack(key, input.rollBack);
    return (view) => takeDown(view, key);
  }

  async #decideRelease(key: ProjectKey, input: ReleaseInput): Promise<ChangeRequest['decide']> {
    const base = await this.#baseOf(key, input.version);
    return (view) => this.#set(view, key, { input, base });
  }

  async rollBack(asked: Asked, { key, input }: { key: ProjectKey; input: RollBackInput }): Promise<Accepted> {
    const decide = await this.#decideRollBack(key, input);
    const subject = `Roll back the release of ${key.name}`;
    return this.deps.store.change({ ...asked, action: 'release-rollback', subject, project: key, decide });
  }

  /** Throws NOT_FOUND where there was no release to go back to. */
  async #decideRollBack(key: ProjectKey, input: RollBackInput): Promise<ChangeRequest['decide']> {
    const then = await this.#releaseToRestore(key, input.commit);
    const base = await this.#baseOf(key, input.version);
    const decision = rollBack({ random: this.#random }, then);
    return (view) => decision(view, key, { input, base });
  }

  takeDown(asked: Asked, key: ProjectKey): Promise<Accepted> {
    return this.deps.store.change({
      ...asked,
      action: 'release-down',
      subject: `Take down the release of ${key.name}`,
      project: key,
      decide: (view) => takeDown(view, key),
    });
  }

  /** Newest first, only commits that changed the release. */
  async history(key: ProjectKey): Promise<readonly ReleaseCommit[]> {
    const path = projectPath(key.namespace, key.name);
    const from = this.deps.store.tip();
    if (from === undefined) return [];
    const entries = await this.deps.repository.log({
      from,
      path,
      limit: CHANGES_LOOKED_AT,
      order: 'newest first',
      files: true,
    });
    const releases = await this.#releasesOf(path, entries);
    return entries.flatMap((entry) => {
      const file = entry.files.find((candidate) => candidate.path === path);
      if (file === undefined) return [];
      const [before, after] = [releases.get(file.before ?? ''), releases.get(file.after ?? '')];
      if (isDeepStrictEqual(before && withoutFormer(before), after && withoutFormer(after))) return [];
      return [{ ...intentCommit(entry), ...(after === undefined ? {} : { release: after }) }];
    });
  }

  async #releaseToRestore(key: ProjectKey, commit: string | undefined): Promise<Release> {
    const history = await this.history(key);
    const standing = this.deps.store.project(key)?.document.spec.release;
    const found =
      commit === undefined
        ? history.find(({ release }) => release !== undefined && !sameBut(release, standing))
        : history.find((entry) => entry.commit === commit);
    if (found?.release === undefined)
      throw new AppError(
        'NOT_FOUND',
        commit === undefined
          ? 'There is no earlier release to go back to.'
          : 'No release of this project was recorded in that commit.',
      );
    return found.release;
  }

  async #releasesOf(
    path: string,
    entries: readonly LogEntry[],
  ): Promise<ReadonlyMap<string, Release | undefined>> {
    const files = entries.flatMap((entry) => entry.files.filter((file) => file.path === path));
    const blobs = [...new Set(files.flatMap(({ before, after }) => [before, after]))].filter(
      (blob) => blob !== null,
    );
    const contents = await this.deps.repository.readBlobs(blobs);
    return new Map(
      blobs.map((blob, index) => {
        const document = storedDocument({ path, blob, text: contents[index]?.toString('utf8') ?? '' });
        return [blob, document?.kind === 'Project' ? document.document.spec.release : undefined];
      }),
    );
  }

  async #baseOf(key: ProjectKey, version: string | undefined): Promise<FormBase | undefined> {
    if (version === undefined) return undefined;
    return { version, document: await this.deps.store.projectVersion(key, version) };
  }
}

function hostIn({ path, content }: Edit): string | undefined {
  const document = storedDocument({ path, blob: '', text: content ?? '' });
  return document?.kind === 'Project' ? document.document.spec.release?.host : undefined;
}

/** The address, whom it is for, and what is kept for older pods are not rolled back, so they are no difference. */
const sameBut = (one: Release, other: Release | undefined): boolean =>
  other !== undefined && isDeepStrictEqual(withoutAddress(one), withoutAddress(other));

function withoutAddress(release: Release): Release {
  return { ...withoutFormer(release), host: '', visibility: 'public' };
}

/** What is kept for older pods is nothing that somebody released: it also goes when the project is stopped. */
function withoutFormer(release: Release): Release {
  const released: Release = { ...release };
  delete released.formerEnv;
  return released;
}

/** Who may see an app is what people look for in a history later; the rest is "change". */
function subjectOf({ name }: ProjectKey, input: ReleaseInput, standing: Release | undefined): string {
  if (standing === undefined || (input.image ?? standing.image) !== standing.image) return `Release ${name}`;
  const { visibility = 'public' } = standing;
  if (input.visibility === undefined || input.visibility === visibility)
    return `Change the release of ${name}`;
  return input.visibility === 'public'
    ? `Show the release of ${name} to everybody`
    : `Show the release of ${name} to members only`;
}
