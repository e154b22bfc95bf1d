import { z } from 'zod';
import { agent } from './agent.js';
import { API_VERSION } from './api-version.js';
import { databaseSchema } from './database.js';
import { visibility } from './exposure.js';
import { instant } from './instant.js';
import { hostName, namespaceName, objectName, projectName, singleLine } from './names.js';
import { bytes } from './quantities.js';
import { releaseSchema } from './release.js';
import { unique } from './unique.js';
import { sealedValue, variables, type variable } from './variables.js';
import { workspaceSchema } from './workspace.js';

export const projectStates = ['Running', 'Stopped', 'Deleted'] as const;

/**
 * The steps in which a deleted project's data goes for ever. `Unprotect`: the objects lose their protection against
 * pruning, which the applier has to have seen before `Remove`: nothing is rendered any more. Then the document goes.
 */
export const purgeSteps = ['Unprotect', 'Remove'] as const;

/** Taken by the app and the terminal: by number in the Service, by name in `<host>-<name>.<domain>`. */
const TAKEN_PORTS: readonly (number | string)[] = [3000, 7681, 'app', 'ttyd'];

const port = z.strictObject({
  port: z
    .int()
    .min(1024)
    .max(65535)
    .refine((number) => !TAKEN_PORTS.includes(number), 'This port is the app or the terminal.'),
  name: z
    .string()
    .regex(
      /^[a-z](?:[a-z0-9-]{0,13}[a-z0-9])?$/,
      'A port name starts with a letter and has at most 15 of a-z, 0-9 and hyphens.',
    )
    .refine((name) => !TAKEN_PORTS.includes(name), 'This name is the app or the terminal.'),
  visibility,
});

/**
 * The platform's at the time when the volume was asked for; absent: the cluster's default. Written down here because a
 * volume's class can never change, and the platform's may.
 */
const storageClass = objectName;

const description = z
  .string()
  .max(1000, 'The description has at most 1000 characters.')
  .refine((text) => text.isWellFormed(), 'The description is valid Unicode text.')
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  .regex(/^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/, 'The description has no control characters.');

/** `tenants/<2>/<namespace>/projects/<name>.yaml`: one project, as its owner wants it. */
export const projectSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('Project'),
    metadata: z.strictObject({ name: projectName, namespace: namespaceName }),
    spec: z.strictObject({
      displayName: singleLine(64, 'The name'),
      description: description.optional(),
      state: z.enum(projectStates),
      /** When `state` became `Deleted`; the retention counts from here. */
      deletedAt: instant.optional(),
      /** Only with `Deleted`, and never taken back. */
      purge: z.enum(purgeSteps).optional(),
      /** A new value restarts the sandbox (and the database): the only way to ask for a restart. */
      restartedAt: instant.optional(),
      host: hostName,
      sandbox: z.strictObject({
        image: z.string().min(1).max(255),
        preset: z.string().min(1).max(32),
        storage: bytes,
        storageClass: storageClass.optional(),
        /** Whom the app is for, at `<host>.<domain>`; absent: the platform's default. A terminal is for members. */
        visibility: visibility.optional(),
        ports: z
          .array(port)
          .max(10, 'A project opens at most 10 further ports.')
          .superRefine(unique('port'))
          .superRefine(unique('name'))
          .optional(),
      }),
      database: databaseSchema.optional(),
      terminal: z.strictObject({
        sealedToken: sealedValue,
        /** Absent: the platform's default. A change restarts nothing: it is for shells that are opened later. */
        agent: agent.optional(),
      }),
      env: variables,
      workspace: workspaceSchema.optional(),
      /** Absent: the app runs in the sandbox only. */
      release: releaseSchema.optional(),
    }),
  })
  .refine((document) => (document.spec.state === 'Deleted') === (document.spec.deletedAt !== undefined), {
    path: ['spec', 'deletedAt'],
    message: 'deletedAt is there exactly when state is Deleted.',
  })
  .refine(({ spec }) => spec.purge === undefined || spec.state === 'Deleted', {
    path: ['spec', 'purge'],
    message: 'Only a deleted project can be purged.',
  })
  .refine(({ spec }) => spec.release?.database !== true || spec.database !== undefined, {
    path: ['spec', 'release', 'database'],
    message: 'The project has no database.',
  })
  .refine(({ spec }) => spec.release?.host !== spec.host, {
    path: ['spec', 'release', 'host'],
    message: 'This host is the sandbox.',
  });

export type ProjectDocument = z.infer<typeof projectSchema>;
export type ProjectState = (typeof projectStates)[number];
export type ProjectVariable = z.infer<typeof variable>;

/** Every `<host>` that the project answers at: the sandbox's and the release's. */
export const hostsOf = ({ spec }: ProjectDocument): readonly string[] =>
  spec.release === undefined ? [spec.host] : [spec.host, spec.release.host];
