import { z } from 'zod';
import {
  agent,
  projectName,
  singleLine,
  slugOf,
  userVariableName,
  variableValue,
  VARIABLES_MAX,
  workspaceSchema,
  type Agent,
} from '@fullstackagent/charts/documents';
import type { Freshness, ProjectStatusDto } from './status.js';

/** One variable in a request. `secret` seals the value before it is written; a sealed value can never be read back. */
export const variableInput = z.strictObject({
  name: userVariableName,
  value: variableValue,
  secret: z.boolean().default(false),
});

const variableList = z.array(variableInput).max(VARIABLES_MAX, `At most ${VARIABLES_MAX} variables.`);

/** `POST …/projects`. `name` is what a person typed; the DNS label is made from it (`slugOf`). */
export const createProjectInput = z.strictObject({
  name: singleLine(64, 'The name').superRefine((typed, context) => {
    const slug = slugOf(typed);
    if (slug === '') {
      context.addIssue({
        code: 'custom',
        message: 'Use at least one letter from a to z: the name becomes part of addresses.',
      });
      return;
    }
    const result = projectName.safeParse(slug);
    if (!result.success)
      context.addIssue({ code: 'custom', message: result.error.issues[0]?.message ?? 'Not a name.' });
  }),
  description: z.string().trim().max(1000, 'The description has at most 1000 characters.').optional(),
  database: z
    .union([
      z.boolean(),
      z.strictObject({
        version: z.string().optional(),
        storage: z.string().optional(),
        preset: z.string().optional(),
      }),
    ])
    .default(false),
  preset: z.string().optional(),
  /** What starts by itself in the first terminal. Left out: the platform's default. */
  agent: agent.optional(),
  env: variableList.default([]),
  /** What the workspace begins with; left out: empty. */
  workspace: workspaceSchema.optional(),
});
export type CreateProjectInput = z.input<typeof createProjectInput>;

/** `PATCH …/projects/:name`: what is left out stays as it is. `database` can be added, not removed. */
export const patchProjectInput = z.strictObject({
  displayName: singleLine(64, 'The name').optional(),
  description: z
    .string()
    .trim()
    .max(1000, 'The description has at most 1000 characters.')
    .nullable()
    .optional(),
  preset: z.string().optional(),
  /** Null: the platform's default again. */
  agent: agent.nullable().optional(),
  database: z.literal(true).optional(),
  /** The version the form was made from; a stale one is answered with STALE_VERSION. */
  version: z.string().optional(),
});
export type PatchProjectInput = z.input<typeof patchProjectInput>;

/** A whole list, anew. */
export const changedVariables = z
  .array(
    z.union([
      variableInput,
      z.strictObject({ name: userVariableName, secret: z.literal(true), unchanged: z.literal(true) }),
    ]),
  )
  .max(VARIABLES_MAX, `At most ${VARIABLES_MAX} variables.`);

/**
 * `PUT …/environment`: the whole list. A secret that is there already is kept by naming it without a value
 * (blank means unchanged).
 */
export const putEnvironmentInput = z.strictObject({
  variables: changedVariables,
  version: z.string().optional(),
});
export type PutEnvironmentInput = z.input<typeof putEnvironmentInput>;

export interface EnvironmentVariableDto {
  readonly name: string;
  readonly secret: boolean;
  /** Absent for a secret: secrets are write-only. */
  readonly value?: string;
}

export interface EnvironmentDto {
  readonly variables: readonly EnvironmentVariableDto[];
  /** Blob id of the document: send it back with a change. */
  readonly version: string;
}

export interface ProjectUrls {
  readonly app: string;
  readonly terminal: string;
}

export interface ProjectDto extends ProjectStatusDto {
  /** DNS label, unique in the namespace. */
  readonly id: string;
  readonly namespace: string;
  readonly displayName: string;
  readonly description?: string;
  readonly desiredState: 'Running' | 'Stopped' | 'Deleted';
  readonly deletedAt?: string;
  /** Until when a deleted project's data is kept at least (RFC 3339). */
  readonly restorableUntil?: string;
  /** Being removed for ever: the name is free when the project is gone. */
  readonly purging?: boolean;
  readonly preset: string;
  readonly image: string;
  readonly storage: string;
  readonly database?: { readonly version: string; readonly storage: string; readonly preset: string };
  /** What starts by itself in the first terminal: the project's choice, or the platform's default. */
  readonly agent: Agent;
  readonly urls: ProjectUrls;
  /** The app as others use it, where there is one. */
  readonly release?: { readonly image: string; readonly replicas: number; readonly url: string };
  /** Blob id of the document on `main`. */
  readonly version: string;
}

/** Answer to every change: the id of the commit on `main` never changes once it was given out. */
export interface ChangeDto {
  readonly commit: string;
  readonly project: ProjectDto;
}

export interface CommitDto {
  readonly commit: string;
  /** RFC 3339. */
  readonly at: string;
  readonly author: string;
  readonly subject: string;
  readonly action?: string;
  /** The commit on `rendered` made from it; absent while it is being rendered. */
  readonly renderedCommit?: string;
}

export interface HistoryDto {
  readonly commits: readonly CommitDto[];
  /** Pass as `?before=` for the next page. */
  readonly next?: string;
}

export interface ManifestsDto {
  /** The tip of `rendered` that was read. */
  readonly commit: string;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

export interface DatabaseDto {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Only in the answer to an explicit reveal, which is logged. */
  readonly password?: string;
  /** Only with `password`: what `DATABASE_URL` holds inside the sandbox. */
  readonly url?: string;
}

/** What the portal shows about the installation. */
export interface PlatformDto {
  readonly domain: string;
  readonly presets: readonly { readonly name: string; readonly cpu: string; readonly memory: string }[];
  readonly defaultPreset: string;
  /** What starts in the first terminal of a project that says nothing. */
  readonly defaultAgent: Agent;
  readonly databaseVersions: readonly string[];
  readonly deletedDays: number;
  /**
   * How sandboxes are kept apart. `none`: they are plain processes of the user who runs the platform; the portal says
   * so, and sign-up closes after the first account.
   */
  readonly isolation: 'cluster' | 'bubblewrap' | 'none';
  /** True where sandboxes run with the rights of root, which the portal has to say loudly. */
  readonly runsAsRoot: boolean;
  /** With `none`, and where the network is shared: what is missing, in words for whoever runs the platform. */
  readonly isolationReason?: string;
  /** Where every database is of one version, whichever a project names: that version, such as "18.1". */
  readonly databasesRun?: string;
  /** With `bubblewrap`: whether sandboxes have a network of their own. */
  readonly network?: 'own' | 'shared';
}

/** Event `snapshot` (all my projects, first and after a reconnect), `project` (one that changed), `removed`, `freshness`. */
export type StatusEvent =
  | { readonly type: 'snapshot'; readonly projects: readonly ProjectDto[] }
  | { readonly type: 'project'; readonly project: ProjectDto }
  | { readonly type: 'removed'; readonly namespace: string; readonly id: string }
  /** While the cluster cannot be reached: how old everything is. When that begins and ends, every project is sent. */
  | { readonly type: 'freshness'; readonly freshness: Freshness };
