import type { Logger } from 'pino';
import type { DriftedObjectDto } from '../contract/drift.js';
import type { PlanDto } from '../contract/plan.js';
import type { GitBackupChanges, GitReleaseChanges, ReleaseCommit } from '../intent/index.js';
import type { Edit, IntentStore, ProjectKey, RenderedView } from '../model/intent.js';
import type { Agent } from '../sandbox/agent.js';
import type { WorkspaceClone } from '../sandbox/clone.js';
import type { DatabaseBackups } from '../sandbox/database-backups.js';
import type { DiskUse } from '../sandbox/disk-use.js';
import type { DatabaseAccess } from '../sandbox/database.js';
import type { ImageBuilds } from '../sandbox/image-builds.js';
import type { SandboxFiles } from '../sandbox/files.js';
import type { Machine } from '../sandbox/machine.js';
import type { GitService } from '../serve/index.js';
import type { SandboxShells } from '../sandbox/shells.js';
import type { Snapshots } from '../sandbox/snapshots.js';
import type { SandboxSsh } from '../sandbox/ssh.js';
import type { TerminalTarget } from '../sandbox/terminal.js';
import type { PortalTokens } from './portal-tokens.js';
import type { ProjectBoard } from './project-board.js';
import type { ProjectChanges } from './changes.js';
import type { Metrics } from './metrics.js';
import type { OperationsDesk } from './operations.js';
import type { ProposalDesk, RemoteDesk } from './remote.js';

export type Releases = Pick<GitReleaseChanges, 'release' | 'rollBack' | 'takeDown' | 'plan' | 'history'>;
export type ReleaseHistory = readonly ReleaseCommit[];

/** Everything the API is put together from; the composition root makes it once. */
export interface ApiDeps {
  readonly intent: IntentStore;
  readonly rendered: RenderedView;
  readonly changes: ProjectChanges;
  readonly releases: Releases;
  readonly backups: Pick<DatabaseBackups, 'offered' | 'list' | 'requireOffered' | 'requireRestorable'>;
  readonly backupChanges: Pick<GitBackupChanges, 'backUp' | 'restore' | 'schedule'>;
  readonly snapshots: Pick<Snapshots, 'offered' | 'take' | 'startCommand'>;
  readonly agent: Pick<Agent, 'state' | 'act'>;
  readonly builds: Pick<ImageBuilds, 'start' | 'state' | 'cancel' | 'subscribe'>;
  /** The local engine runs snapshots, and no images. */
  readonly buildsOffered: boolean;
  readonly operations: OperationsDesk;
  /** undefined where none is configured. */
  readonly remote: RemoteDesk | undefined;
  readonly proposals: ProposalDesk;
  readonly webhookSecret: string | undefined;
  /** What edits on `main` would change, without writing anything. */
  readonly preview: (edits: readonly Edit[]) => Promise<Omit<PlanDto, 'version'>>;
  /** Which of these manifests are not on the cluster as they are written. */
  readonly drift: (key: ProjectKey, manifests: readonly string[]) => Promise<readonly DriftedObjectDto[]>;
  readonly git: GitService;
  readonly board: ProjectBoard;
  readonly database: DatabaseAccess;
  readonly disk: Pick<DiskUse, 'of'>;
  readonly files: SandboxFiles;
  readonly shells: SandboxShells;
  readonly clone: Pick<WorkspaceClone, 'of'>;
  readonly ssh: Pick<SandboxSsh, 'offer' | 'open'>;
  readonly terminal: (key: ProjectKey, session: string) => Promise<TerminalTarget>;
  /** How sandboxes are kept apart, as the cluster or the engine says. */
  readonly machine: () => Promise<Machine>;
  readonly tokens: PortalTokens;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Aborted when the server stops: event streams would never end by themselves. */
  readonly closing: AbortSignal;
}
