import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { GitProjectChanges, openIntentStore, type GitIntentStore } from '../intent/index.js';
import type { ProjectKey } from '../model/intent.js';
import type { Repository } from '../model/repository.js';
import {
  startReconciler,
  type ProjectHealth,
  type ReconcilerOptions,
  type RunningReconciler,
} from '../reconcile/index.js';
import { charts, type Charts } from '../render/index.js';
import { NAMESPACE, OWNER, platformText } from './documents-for-tests.js';
import { openForTest, quietLog, temporaryFolder } from './repository-for-tests.js';

/** Everything between a change and a rendered commit, over a real repository. */
export interface Installation {
  readonly folder: string;
  readonly gitDir: string;
  readonly repository: Repository;
  readonly store: GitIntentStore;
  readonly changes: GitProjectChanges;
  readonly asked: { readonly author: { id: string; name: string }; readonly requestId: string };
  reconcile(options?: {
    charts?: Charts;
    health?: (key: ProjectKey) => ProjectHealth;
    refreshEveryMs?: number;
    notices?: NonNullable<ReconcilerOptions['notices']>;
  }): Promise<RunningReconciler>;
  close(): Promise<void>;
}

export const START = new Date('2026-11-23T08:00:00Z');

export interface InstallationOptions {
  readonly folder?: string;
  readonly now?: () => Date;
}

/** A clock that goes on by a second each time it is looked at. */
export function ticking(from = START): () => Date {
  let seconds = 0;
  return () => new Date(from.getTime() + 1000 * seconds++);
}

export async function openInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const folder = options.folder ?? (await temporaryFolder());
  const now = options.now ?? ticking();
  const gitDir = join(folder, 'gitops.git');
  const templateFolder = join(folder, 'template');
  await mkdir(templateFolder, { recursive: true });
  await writeFile(join(templateFolder, 'README.md'), '# What runs here\n');
  const repository = await openForTest(gitDir);
  const seed = () => Promise.resolve({ templateFolder, platform: platformText });
  const store = await openIntentStore({ repository, now, seed });
  const running: RunningReconciler[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((reconciler) => reconciler.stop()));
    await repository.close();
  };
  onTestFinished(close);
  return {
    folder,
    gitDir,
    repository,
    store,
    changes: new GitProjectChanges({ store, now }),
    asked: { author: { id: OWNER, name: 'Ada' }, requestId: 'request-1' },
    reconcile: async ({ charts: others = charts, ...more } = {}) => {
      const reconciler = await startReconciler({
        intent: store,
        repository,
        charts: others,
        log: quietLog,
        ...more,
      });
      running.push(reconciler);
      await reconciler.idle();
      return reconciler;
    },
    close,
  };
}

export async function withTenant(installation: Installation): Promise<Installation> {
  await installation.changes.createTenant(installation.asked, { namespace: NAMESPACE, displayName: 'Ada' });
  return installation;
}
