import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { PlatformDocument } from '@fullstackagent/charts';
import type { Logger } from 'pino';
import type { ProjectChanges } from './api/changes.js';
import type { OperationsDesk } from './api/operations.js';
import { ConfigError, type Config } from './config.js';
import { GitRemote, openRepository as openGit } from './git/index.js';
import type { GitIntentStore } from './intent/index.js';
import {
  GitProjectChanges,
  GitPurgeChanges,
  GitBackupChanges,
  GitReleaseChanges,
  openIntentStore,
  type Adopted,
  type Seed,
} from './intent/index.js';
import type { IntentStore, ProjectKey, RenderedView } from './model/intent.js';
import type { Repository } from './model/repository.js';
import { operationsDesk } from './operations-desk.js';
import {
  installationNotices,
  NoticeTeller,
  startReconciler,
  type ProjectHealth,
  type RunningReconciler,
} from './reconcile/index.js';
import { adoptUpstream, Proposals, PullRequests, RunningRemote, type RemoteOptions } from './remote/index.js';
import { charts } from './render/index.js';
import { startGitService, type GitService } from './serve/index.js';

/** Both branches of the repository, and the pipeline between them. */
export interface OpenRepository {
  readonly intent: IntentStore;
  readonly rendered: RenderedView;
  readonly changes: ProjectChanges;
  readonly releases: GitReleaseChanges;
  readonly backupChanges: GitBackupChanges;
  readonly operations: OperationsDesk;
  readonly preview: RunningReconciler['preview'];
  readonly purges: GitPurgeChanges;
  readonly git: GitService;
  readonly proposals: Proposals;
  /** undefined where none is configured. */
  readonly remote: RunningRemote | undefined;
  close(): Promise<void>;
}

/** `gitops-template/` of this checkout; the compiled files lie as deep as the sources. */
const TEMPLATE_FOLDER = fileURLToPath(new URL('../../gitops-template', import.meta.url));

export interface RepositoryParts {
  readonly config: Config;
  readonly log: Logger;
  /** What the cluster makes of a project: a roll-out waits for it. */
  readonly health: (key: ProjectKey) => ProjectHealth;
}

/** Throws where the repository cannot be opened, or where a new one has nothing to begin with. */
export async function openRepository({ config, log, health }: RepositoryParts): Promise<OpenRepository> {
  const repository = await openGit(config.repository, { log, searchPath: config.searchPath });
  const now = (): Date => new Date();
  const remote = remoteOf(config, repository.path);
  try {
    const intent = await openIntentStore({
      repository,
      now,
      seed: async () => (await adopted(repository, remote)) ?? seedOf(config),
    });
    warnWithoutPlatform(intent, log);
    // On one machine the engine applies, and nobody else can reach it.
    const notices = (platform: PlatformDocument | undefined): readonly string[] =>
      config.cluster === 'engine' ? [] : installationNotices(config.delivery, platform);
    const reconciler = await startReconciler({ intent, repository, charts, log, health, notices });
    tellNotices(intent, notices, log);
    const git = await startGitService({
      repository,
      searchPath: config.searchPath,
      store: intent,
      log,
    });
    const proposals = new Proposals({ repository, store: intent, now });
    const running = startRemote({
      config,
      repository,
      store: intent,
      reconciler,
      remote,
      proposals,
      log,
      now,
    });
    return {
      git,
      proposals,
      remote: running,
      intent,
      rendered: reconciler.view,
      changes: new GitProjectChanges({ store: intent, now }),
      releases: new GitReleaseChanges({ store: intent, repository }),
      backupChanges: new GitBackupChanges({ store: intent, now }),
      preview: reconciler.preview,
      purges: new GitPurgeChanges({ store: intent, now }),
      operations: operationsDesk({ repository, store: intent, operations: reconciler.operations }),
      close: async () => {
        await running?.stop();
        await git.stop();
        await reconciler.stop();
        await repository.close();
      },
    };
  } catch (error) {
    await repository.close();
    throw error;
  }
}

/** An operator who only reads the log learns of it there, at the start and when it begins to hold. */
function tellNotices(
  intent: GitIntentStore,
  notices: (platform: PlatformDocument | undefined) => readonly string[],
  log: Logger,
): void {
  const teller = new NoticeTeller((notice) => {
    log.warn(notice);
  });
  const look = (): void => {
    teller.look(notices(platformOf(intent)));
  };
  intent.onCommit(look);
  look();
}

const remoteOf = ({ remote, searchPath }: Config, gitDir: string): GitRemote | undefined =>
  remote === undefined ? undefined : new GitRemote({ gitDir, searchPath }, remote.address);

/** A new repository begins with what the remote has, where it has something. */
async function adopted(repository: Repository, remote: GitRemote | undefined): Promise<Adopted | undefined> {
  if (remote === undefined) return undefined;
  const commit = (await adoptUpstream(repository, remote)).get('main');
  return commit === undefined ? undefined : { commit };
}

interface RemoteParts extends Pick<RemoteOptions, 'repository' | 'proposals' | 'log' | 'now'> {
  readonly store: GitIntentStore;
  readonly config: Config;
  readonly reconciler: RunningReconciler;
  readonly remote: GitRemote | undefined;
}

function startRemote({ config, reconciler, remote, ...parts }: RemoteParts): RunningRemote | undefined {
  if (remote === undefined || config.remote === undefined) return undefined;
  const { pullRequests, ...settings } = config.remote;
  const running = new RunningRemote({
    ...parts,
    ...settings,
    remote,
    rendered: reconciler.branch,
    pullRequests: pullRequests === undefined ? undefined : new PullRequests({ ...pullRequests, remote }),
  });
  parts.store.acknowledgeWith((commit) => running.acknowledged(commit));
  return running;
}

/** Everything but `/v1/platform` and changes goes on without it; somebody has to mend it on `main`. */
function platformOf(intent: IntentStore): PlatformDocument | undefined {
  try {
    return intent.platform().document;
  } catch {
    // It cannot be used, which is told elsewhere.
    return undefined;
  }
}

function warnWithoutPlatform(intent: IntentStore, log: Logger): void {
  try {
    intent.platform();
  } catch (error) {
    log.error({ err: error }, 'platform.yaml cannot be used');
  }
}

async function seedOf({ platformSeedFile }: Config): Promise<Seed> {
  if (platformSeedFile === undefined)
    throw new ConfigError(
      'PLATFORM_SEED_FILE is missing: the repository is new and has to begin with a platform.yaml.',
    );
  return { templateFolder: TEMPLATE_FOLDER, platform: await readFile(platformSeedFile, 'utf8') };
}
