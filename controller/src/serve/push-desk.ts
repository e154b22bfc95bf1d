import { join } from 'node:path';
import { documentAt, writeDocument } from '@fullstackagent/charts';
import type { Logger } from 'pino';
import { AppError } from '../contract/errors.js';
import type { GitLocation } from '../git/git-process.js';
import { blob } from '../git/object.js';
import type { Author, IntentStore, IntentView, ProjectKey } from '../model/intent.js';
import type { Repository } from '../model/repository.js';
import type { PushHandler, RefCommand } from './hook-server.js';
import { judgePush, type Pusher } from './judge.js';
import { readPush, requireFewObjects, type PushedChange, type PushedFile } from './pushed-change.js';
import { PushRefused } from './refusal.js';

/** Branch `main` as a push sees it. */
export interface PushStore extends IntentView {
  readonly change: IntentStore['change'];
  tip(): string | undefined;
  /** Blob id of any file at the tip. */
  fileAt(path: string): string | undefined;
}

export interface PushDeskDeps {
  readonly location: GitLocation;
  readonly store: PushStore;
  readonly readBlobs: Repository['readBlobs'];
  readonly log: Logger;
}

export interface PushAsked {
  readonly pusher: Pusher;
  readonly author: Author;
  readonly requestId: string;
}

const TARGET = 'refs/for/main';
const NONE = '0'.repeat(40);
/** How often a file of the push may change on `main` while it is merged. */
const ATTEMPTS = 5;
const HOW_TO = `Push to ${TARGET}: git push origin HEAD:${TARGET}`;
const NOTHING_NEW = 'main has all of these commits already. Nothing was changed.';

/** Takes pushes: looks at each while it is quarantined, and merges it where it is right. One merge at a time. */
export class PushDesk {
  #line: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: PushDeskDeps) {}

  handlerFor(asked: PushAsked): PushHandler {
    let pushed = '';
    return {
      check: async (commands, quarantine) => {
        pushed = targetOf(commands);
        await this.#check(asked, pushed, this.#quarantined(quarantine));
        return [];
      },
      merge: () => this.#merge(asked, pushed),
    };
  }

  /** The same look as before the merge, so that what is refused leaves no object behind. */
  async #check({ pusher }: PushAsked, pushed: string, location: GitLocation): Promise<void> {
    await requireFewObjects(location);
    const change = await this.#read(location, pushed);
    if (change !== undefined) judgePush(this.deps.store, pusher, change.files);
  }

  #merge(asked: PushAsked, pushed: string): Promise<readonly string[]> {
    const merged = this.#line.then(() => this.#mergeNow(asked, pushed));
    this.#line = merged.catch(() => undefined);
    return merged;
  }

  #note({ pusher, requestId }: PushAsked, { pushed }: PushedChange, commit: string): void {
    this.deps.log.info({ audit: 'pushed', user: pusher.sub, pushed, commit, requestId }, 'audit');
  }

  async #mergeNow(asked: PushAsked, pushed: string): Promise<readonly string[]> {
    let change = await this.#read(this.deps.location, pushed);
    if (change === undefined) return [NOTHING_NEW];
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const commit = await this.#write(asked, change);
      if (commit !== undefined) {
        this.#note(asked, change, commit);
        return [`Merged as ${commit}`];
      }
      change = await this.#asItStandsNow(change);
    }
    throw new PushRefused(['main keeps moving. Fetch, merge and push again.']);
  }

  /** undefined where a file of the push changed on `main` since it was read. */
  async #write({ pusher, author, requestId }: PushAsked, change: PushedChange): Promise<string | undefined> {
    const { store } = this.deps;
    const project = onlyProject(change);
    try {
      const { commit } = await store.change({
        author,
        requestId,
        action: 'push',
        subject: `Merge ${change.commits === 1 ? '1 commit' : `${change.commits} commits`} pushed as ${change.pushed.slice(0, 12)}`,
        ...(project === undefined ? {} : { project }),
        joins: change.pushed,
        decide: (view) =>
          judgePush(
            view,
            pusher,
            change.files.map((file) => this.#inView(view, file)),
          ),
      });
      return commit;
    } catch (error) {
      if (error instanceof MovedMeanwhile) return undefined;
      throw asRefusal(error);
    }
  }

  #read(location: GitLocation, pushed: string): Promise<PushedChange | undefined> {
    const { store } = this.deps;
    const main = store.tip();
    if (main === undefined) throw new PushRefused(['There is no branch main yet.']);
    return readPush({ location, pushed, main, standing: (path) => this.#standing(store, path) });
  }

  /**
   * A document that changed since it was read was changed by the portal, as a rule: then its text is the one that the
   * writer makes of it, and nothing has to be read while the writer waits.
   */
  #inView(view: IntentView, file: PushedFile): PushedFile {
    const standing = this.#standing(view, file.path);
    if (standing === file.standing) return file;
    const ours = writtenText(view, file.path);
    if (ours === undefined || blob(ours).id !== standing) throw new MovedMeanwhile();
    return { ...file, standing, ours };
  }

  /** Only what moved is read again, which takes less time than it takes others to move it. */
  async #asItStandsNow(change: PushedChange): Promise<PushedChange> {
    const { store, readBlobs } = this.deps;
    const files = await Promise.all(
      change.files.map(async (file) => {
        const standing = this.#standing(store, file.path);
        if (standing === file.standing) return file;
        const [content] = standing === null ? [] : await readBlobs([standing]);
        return { ...file, standing, ours: content?.toString('utf8') ?? null };
      }),
    );
    return { ...change, files };
  }

  /** Documents as the view has them, with what is on its way to `main`. Other files only pushes change, in one line. */
  #standing(view: IntentView, path: string): string | null {
    const id = documentAt(path) === undefined ? this.deps.store.fileAt(path) : view.versionAt(path);
    return id ?? null;
  }

  #quarantined(folder: string): GitLocation {
    const { location } = this.deps;
    const all = join(location.gitDir, 'objects');
    // Quoted: between several folders git expects a colon.
    const objects = {
      GIT_OBJECT_DIRECTORY: folder === '' ? all : folder,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(all),
    };
    return { ...location, objects };
  }
}

function writtenText(view: IntentView, path: string): string | undefined {
  const ref = documentAt(path);
  if (ref === undefined) return undefined;
  const found =
    ref.kind === 'Platform'
      ? view.platform()
      : ref.kind === 'Tenant'
        ? view.tenant(ref.namespace)
        : view.project(ref);
  return found === undefined ? undefined : writeDocument(found.document);
}

class MovedMeanwhile extends Error {
  override readonly name = 'MovedMeanwhile';
}

/** The commit that is to be merged. Throws {@link PushRefused} for anything but one push to the one place. */
function targetOf(commands: readonly RefCommand[]): string {
  const [command, ...others] = commands;
  const elsewhere = commands.filter(({ ref }) => ref !== TARGET).map(({ ref }) => ref);
  if (elsewhere.length > 0) throw new PushRefused([`${elsewhere.join(', ')} cannot be pushed to.`, HOW_TO]);
  if (command === undefined || others.length > 0 || command.to === NONE || command.from !== NONE)
    throw new PushRefused([HOW_TO]);
  return command.to;
}

function onlyProject({ files }: PushedChange): ProjectKey | undefined {
  const [ref, ...others] = files.map(({ path }) => documentAt(path));
  return ref?.kind === 'Project' && others.length === 0 ? ref : undefined;
}

/** What the writer refuses is told in its own words; what nobody expected is for the log. */
function asRefusal(error: unknown): unknown {
  return error instanceof AppError && error.code !== 'INTERNAL' ? new PushRefused([error.message]) : error;
}
