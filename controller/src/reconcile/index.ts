import { setTimeout as delay } from 'node:timers/promises';
import type { PlatformDocument } from '@fullstackagent/charts';
import { plainProjection } from '../git/index.js';
import type { GitIntentStore } from '../intent/index.js';
import type { PlanDto } from '../contract/plan.js';
import type { Edit, ProjectKey, RenderedView } from '../model/intent.js';
import type { Branch, Repository, Snapshot } from '../model/repository.js';
import type { Charts } from '../render/index.js';
import { adopt } from './adopt.js';
import { Loop } from './loop.js';
import { Operations } from './operations.js';
import { preview } from './preview.js';
import { RenderedIndex } from './rendered-index.js';
import { Reconciler, type ReconcilerLog } from './reconciler.js';
import type { ProjectHealth } from './slices.js';
import type { Standing } from './standing.js';

export interface ReconcilerOptions {
  readonly intent: GitIntentStore;
  readonly repository: Repository;
  readonly charts: Charts;
  readonly log: ReconcilerLog;
  /** What to tell operators of a platform that is in force. Default: nothing. */
  readonly notices?: (platform: PlatformDocument | undefined) => readonly string[];
  /** What the cluster makes of a project: a roll-out waits for it. Default: all is well. */
  readonly health?: (key: ProjectKey) => ProjectHealth;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** How often it is looked whether somebody else moved `main` or `rendered`, or took `rendered` away. */
  readonly refreshEveryMs?: number;
}

export interface RunningReconciler {
  readonly view: RenderedView;
  /** Branch `rendered`; only the reconciler writes to it. */
  readonly branch: Branch<Snapshot>;
  readonly operations: Operations;
  /** What edits on `main` would change, without writing anything. */
  readonly preview: (edits: readonly Edit[]) => Promise<Omit<PlanDto, 'version'>>;
  /** Answers when everything on `main` is rendered, or waits for a person. */
  readonly idle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const REFRESH_EVERY_MS = 2_000;

/** Follows `main`. The view is complete when this answers; what is not rendered yet comes right after. */
export async function startReconciler(options: ReconcilerOptions): Promise<RunningReconciler> {
  const { intent, repository, charts, log } = options;
  const rendered = await repository.branch('rendered', plainProjection);
  await adopt(repository, rendered);
  const view = new RenderedIndex(repository, rendered);
  await view.rebuild();
  const health = options.health ?? (() => ({ state: 'settled' }) as const);
  const reconciler = new Reconciler({ intent, repository, rendered, index: view, charts, health, log });
  const sleep = options.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }));
  const loop = new Loop({ step: () => reconciler.step(), sleep, log });
  const endListening = intent.onCommit(() => loop.wake());
  const timer = setInterval(() => {
    intent.refresh().catch((err: unknown) => log.warn({ err }, 'Branch main cannot be read.'));
    const look = rendered.refresh().then(() => {
      if (rendered.tip() !== reconciler.renderedTip()) loop.wake();
    });
    look.catch((err: unknown) => log.warn({ err }, 'Branch rendered cannot be read.'));
  }, options.refreshEveryMs ?? REFRESH_EVERY_MS);
  timer.unref();
  const standing = (): Standing | undefined => reconciler.standing();
  return {
    view,
    branch: rendered,
    preview: (edits) => preview({ repository, charts, standing, tree: () => rendered.snapshot() }, edits),
    operations: new Operations({
      repository,
      rendered,
      charts,
      standing,
      notices: options.notices ?? (() => []),
      stoppedBy: () => reconciler.stoppedBy(),
    }),
    idle: () => loop.idle(),
    stop: async () => {
      clearInterval(timer);
      endListening();
      await loop.stop();
    },
  };
}

export { installationNotices, NoticeTeller } from './installation-notices.js';
export type { Operations } from './operations.js';
export type { ProjectHealth } from './slices.js';
export { PurgeLoop } from './purge-loop.js';
