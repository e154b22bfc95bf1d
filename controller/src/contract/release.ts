import { z } from 'zod';
import { hostName, singleLine } from '@fullstackagent/charts/documents';
import { changedVariables, type EnvironmentVariableDto } from './projects.js';

/** Of an image that is a snapshot of a workspace, kept by the local engine (docs/adr/0014). */
export const SNAPSHOT_REGISTRY = 'snapshot.local/';

const REPLICAS_MAX = 50;

/** How the app is started, as one would type it in the workspace: a shell runs it. */
const startCommand = singleLine(2000, 'The start command');

/** `POST …/release/snapshot`. Without a command it is looked for in the workspace. */
export const snapshotInput = z.strictObject({ command: startCommand.optional() });
export type SnapshotInput = z.input<typeof snapshotInput>;

/**
 * `POST …/release`: what is left out stays as it is in the release that stands. The first one names an image, or asks for
 * a snapshot of the workspace.
 */
export const releaseInput = z.strictObject({
  image: singleLine(512, 'The image').optional(),
  /** Instead of an image. */
  snapshot: snapshotInput.optional(),
  replicas: z.int().min(1, 'At least one.').max(REPLICAS_MAX, `At most ${REPLICAS_MAX}.`).optional(),
  /** null: as many as `replicas`. */
  maxReplicas: z.int().min(1).max(REPLICAS_MAX, `At most ${REPLICAS_MAX}.`).nullable().optional(),
  /** The whole list. A secret that is there already is kept by naming it without a value. */
  variables: changedVariables.optional(),
  preset: z.string().optional(),
  /** Where the app listens; also in its variable `PORT`. */
  port: z.int().min(1024, 'A port from 1024 on.').max(65535, 'The highest port is 65535.').optional(),
  /** Whether it gets the project's database. */
  database: z.boolean().optional(),
  visibility: z.enum(['members', 'public']).optional(),
  /** Drawn where it is left out. */
  host: hostName.optional(),
  /** The version the form was made from; a stale one is answered with STALE_VERSION. */
  version: z.string().optional(),
});
export type ReleaseInput = z.input<typeof releaseInput>;

/** `POST …/release/rollback`: to the release of that commit on `main`; without one to the release before this one. */
export const rollBackInput = z.strictObject({
  commit: z
    .string()
    .regex(/^[0-9a-f]{40}$/, 'A commit id is forty characters of 0-9 and a-f.')
    .optional(),
  version: z.string().optional(),
});
export type RollBackInput = z.input<typeof rollBackInput>;

/** Answer to `POST …/release/snapshot`. It is kept, and nothing runs because of it. */
export interface SnapshotDto {
  /** By its digest: what `image` of a release says. */
  readonly image: string;
  readonly command: string;
  readonly files: number;
  readonly bytes: number;
}

export interface StartCommandDto {
  /** Absent: the workspace does not say. */
  readonly command?: string;
  readonly from?: 'package.json' | 'Procfile';
}

/** What releases can be made of here. */
export interface ReleaseOffer {
  /** Where images may come from: how their names begin. Empty: the platform offers no releases. */
  readonly registries: readonly string[];
  /** The workspace as it is can be released. */
  readonly snapshots: boolean;
  /** An image of the workspace can be built in its sandbox, and pushed here. */
  readonly build?: { readonly repository: string };
  /** The platform can ask who is signed in before an app is shown, so that one can be for members. */
  readonly membersOnly: boolean;
}

export interface ReleaseDto {
  readonly image: string;
  readonly replicas: number;
  readonly maxReplicas?: number;
  readonly variables: readonly EnvironmentVariableDto[];
  readonly preset: string;
  readonly port: number;
  readonly database: boolean;
  readonly visibility: 'members' | 'public';
  readonly url: string;
}

/** A commit on `main` that changed the release. */
export interface ReleaseCommitDto {
  readonly commit: string;
  /** RFC 3339. */
  readonly at: string;
  readonly author: string;
  readonly subject: string;
  /** Absent: it took the release down. */
  readonly image?: string;
  readonly replicas?: number;
  readonly visibility?: 'members' | 'public';
  /** What stands. */
  readonly current: boolean;
}

/** `GET …/release`. */
export interface ReleaseStateDto {
  readonly offer: ReleaseOffer;
  readonly release?: ReleaseDto;
  /** Newest first. */
  readonly history: readonly ReleaseCommitDto[];
  /** Blob id of the document: send it back with a change. */
  readonly version: string;
}
