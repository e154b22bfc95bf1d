import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { BuildDto, BuildEvent, BuildStateDto } from '../contract/build.js';
import { AppError } from '../contract/errors.js';
import type { ProjectKey } from '../model/intent.js';
import { buildInSandbox, type BuildRequest, type BuiltImage } from './build-in-sandbox.js';
import { BuildLog } from './build-log.js';
import type { Runner } from './exec-stream.js';
import { LogTeller } from './log-teller.js';

/** An image that a sandbox keeps, for whoever pushes it. */
export interface ImagePush {
  readonly layout: BuiltImage;
  /** `<host>/<path>`, without a tag. */
  readonly repository: string;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: NonNullable<BuildDto['progress']>) => void;
}

export interface ImageBuildsDeps {
  readonly sandbox: Runner;
  /** Answers the name by digest. Throws an AppError with a sentence for the person. */
  readonly push: (image: ImagePush) => Promise<string>;
  readonly now: () => Date;
  readonly onUnexpected: (error: unknown) => void;
}

interface Build {
  dto: BuildDto;
  readonly log: BuildLog;
  /** What waits of it to be told. */
  readonly told: LogTeller;
  readonly stop: AbortController;
  finished: Promise<void>;
}

/** A build that takes longer waits for something that will not come. */
const BUILD_LIMIT_MS = 45 * 60_000;
/** Each holds a stream from a sandbox to a registry open. */
const AT_ONCE_MAX = 8;
/** Of one namespace: a build that waits would keep everybody else from building. */
const AT_ONCE_OF_ONE_MAX = 4;
/** Of those that ended, so many are remembered, each with its log. */
const KEPT_MAX = 100;

const idOf = ({ namespace, name }: ProjectKey): string => `${namespace}/${name}`;
const isUnderWay = ({ dto: { state } }: Build): boolean => state === 'building' || state === 'pushing';

/**
 * Builds images of workspaces in their sandboxes, one a project at a time, and has them pushed. It is kept in memory only:
 * a build is a way to an image, and what counts is the commit that names one.
 */
export class ImageBuilds {
  readonly #builds = new Map<string, Build>();
  readonly #events = new EventEmitter().setMaxListeners(0);

  constructor(private readonly deps: ImageBuildsDeps) {}

  /** Throws ACTION_NOT_ALLOWED while one runs, RATE_LIMITED where too many others do. */
  start(key: ProjectKey, request: BuildRequest & Pick<ImagePush, 'repository'>): BuildDto {
    const before = this.#builds.get(idOf(key));
    if (before !== undefined && isUnderWay(before))
      throw new AppError(
        'ACTION_NOT_ALLOWED',
        'A build of this project is under way. Wait for it, or cancel it.',
      );
    this.#requireRoom(key);
    const id = randomBytes(8).toString('hex');
    const build: Build = {
      dto: { id, state: 'building', startedAt: this.#time() },
      log: new BuildLog(),
      told: new LogTeller((text) => {
        this.#tell(
          key,
          text === undefined ? { type: 'snapshot', ...this.state(key) } : { type: 'log', text },
        );
      }),
      stop: new AbortController(),
      finished: Promise.resolve(),
    };
    this.#remember(key, build);
    this.#tell(key, { type: 'snapshot', ...this.state(key) });
    build.finished = this.#run(key, build, request);
    return build.dto;
  }

  state(key: ProjectKey): BuildStateDto {
    const build = this.#builds.get(idOf(key));
    if (build === undefined) return { log: '', shortened: false };
    // Whoever begins with this must not be told a part of it again.
    build.told.flush();
    return { build: build.dto, log: build.log.text, shortened: build.log.shortened };
  }

  /** Resolves when it has ended. Throws NOT_FOUND where none is under way. */
  async cancel(key: ProjectKey): Promise<BuildDto> {
    const build = this.#builds.get(idOf(key));
    if (build === undefined || !isUnderWay(build))
      throw new AppError('NOT_FOUND', 'No build of this project is under way.');
    build.stop.abort(new Cancelled('The build was cancelled.'));
    await build.finished;
    return build.dto;
  }

  /** What changes from now on, also of builds that begin later. Answers what ends it. */
  subscribe(key: ProjectKey, listener: (event: BuildEvent) => void): () => void {
    this.#events.on(idOf(key), listener);
    return () => {
      this.#events.off(idOf(key), listener);
    };
  }

  /** Ends all that are under way. */
  async close(): Promise<void> {
    const builds = [...this.#builds.values()].filter(isUnderWay);
    for (const { stop } of builds) stop.abort(new Cancelled('The platform was stopped.'));
    await Promise.all(builds.map(({ finished }) => finished));
  }

  async #run(
    key: ProjectKey,
    build: Build,
    { repository, ...request }: BuildRequest & Pick<ImagePush, 'repository'>,
  ): Promise<void> {
    const { log, told, stop } = build;
    const signal = stop.signal;
    const limit = setTimeout(() => {
      stop.abort(new AppError('ACTION_NOT_ALLOWED', 'The build took longer than 45 minutes.'));
    }, BUILD_LIMIT_MS);
    const onLines = (lines: readonly string[]): void => {
      log.append(lines);
      told.add(lines.map((line) => `${line}\n`).join(''));
    };
    const onProgress = this.#progressOf(key, build);
    try {
      const image = await buildInSandbox(
        { sandbox: this.deps.sandbox, key, signal },
        { ...request, log, onLines },
        (layout) => {
          this.#change(key, build, { state: 'pushing' });
          return this.deps.push({ layout, repository, signal, onProgress });
        },
      );
      this.#change(key, build, { state: 'succeeded', image, endedAt: this.#time() });
    } catch (error) {
      // Whatever breaks when it is ended, it was ended.
      const cause: unknown = signal.aborted ? signal.reason : error;
      this.#change(key, build, { ...this.#failure(cause), endedAt: this.#time() });
    } finally {
      clearTimeout(limit);
    }
  }

  /** In whole percents: a layer of a gigabyte has thousands of pieces. */
  #progressOf(key: ProjectKey, build: Build): ImagePush['onProgress'] {
    let told = -1;
    return (progress) => {
      const percent = Math.floor((progress.bytes * 100) / Math.max(1, progress.totalBytes));
      if (percent === told) return;
      told = percent;
      this.#change(key, build, { progress });
    };
  }

  #failure(error: unknown): Pick<BuildDto, 'state' | 'message'> {
    if (error instanceof Cancelled) return { state: 'cancelled', message: error.message };
    if (error instanceof AppError) return { state: 'failed', message: error.message };
    this.deps.onUnexpected(error);
    const message = 'Something went wrong here. An operator finds the reason in the log.';
    return { state: 'failed', message };
  }

  #change(key: ProjectKey, build: Build, changes: Partial<BuildDto>): void {
    build.told.flush();
    build.dto = { ...build.dto, ...changes };
    this.#tell(key, { type: 'build', build: build.dto });
  }

  #tell(key: ProjectKey, event: BuildEvent): void {
    this.#events.emit(idOf(key), event);
  }

  #requireRoom({ namespace }: ProjectKey): void {
    const underWay = [...this.#builds].filter(([, build]) => isUnderWay(build));
    const own = underWay.filter(([id]) => id.startsWith(`${namespace}/`));
    if (own.length >= AT_ONCE_OF_ONE_MAX)
      throw new AppError(
        'RATE_LIMITED',
        `${AT_ONCE_OF_ONE_MAX} of your projects are being built right now. Wait for one, or cancel it.`,
      );
    if (underWay.length >= AT_ONCE_MAX)
      throw new AppError(
        'RATE_LIMITED',
        'Many images are being built right now. Try again in a few minutes.',
      );
  }

  #remember(key: ProjectKey, build: Build): void {
    // Put at the end: the first are the oldest.
    this.#builds.delete(idOf(key));
    this.#builds.set(idOf(key), build);
    for (const [id, old] of this.#builds)
      if (this.#builds.size > KEPT_MAX && !isUnderWay(old)) this.#builds.delete(id);
  }

  #time(): string {
    return this.deps
      .now()
      .toISOString()
      .replace(/\.\d{3}Z$/, 'Z');
  }
}

class Cancelled extends Error {}
