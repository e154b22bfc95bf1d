import { z } from 'zod';
import { API_VERSION } from './api-version.js';
import { databaseSchema } from './database.js';
import { visibility } from './exposure.js';
import { hostName, namespaceName, objectName, projectName, singleLine, variableName } from './names.js';
import { bytes } from './quantities.js';

/** Seconds precision, UTC: what `metadata` timestamps of Kubernetes look like. */
const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'A time is written like "2026-11-23T08:00:00Z".');

/** Base64 of the Sealed Secrets layout, namespace-wide scope. Always starts with the length 512: "AgA" or "AgB". */
const sealedValue = z.string().regex(/^Ag[A-Za-z0-9+/]+={0,2}$/, 'This is not a sealed value.');

/**
 * Linux refuses an environment string (`NAME=value`) over 128 KiB at exec, and a ConfigMap or Secret over 1 MiB.
 * Both limits are kept well away from, because a variable that stops the shell from starting cannot be mended in it.
 */
export const VARIABLE_VALUE_MAX_BYTES = 64 * 1024;
export const VARIABLES_TOTAL_MAX_BYTES = 512 * 1024;
export const VARIABLES_MAX = 200;

/** Set by the platform; a user's variable of that name would be lost without a word, so it is refused with one. */
export const RESERVED_VARIABLES: readonly string[] = [
  'DATABASE_URL',
  'PGUSER',
  'PGPASSWORD',
  'PORT',
  'PROJECT_NAME',
  'APP_HOST',
  'TTYD_ACCESS_TOKEN',
  'FULLSTACKAGENT_ENV_DIR',
];

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

export const variableValue = z
  .string()
  .refine((value) => !value.includes('\0'), 'A value cannot contain a NUL byte: no process can receive one.')
  .refine((value) => value.isWellFormed(), 'A value is valid Unicode text.')
  .refine(
    (value) => utf8Length(value) <= VARIABLE_VALUE_MAX_BYTES,
    `A value has at most ${VARIABLE_VALUE_MAX_BYTES / 1024} KiB. Put larger data into a file of the workspace.`,
  );

export const userVariableName = variableName.refine(
  (name) => !RESERVED_VARIABLES.includes(name),
  'This variable is set by the platform.',
);

/**
 * DEL, the C1 controls with NEL among them, the Unicode line separators and two code points that are no characters.
 * kustomize, and so Flux, passes text on unescaped: it then refuses to read its own output, which keeps the whole folder
 * from being applied, or reads a line end where there was none. Ciphertext has none of them.
 */
const UNREADABLE = /[\u007f-\u009f\u2028\u2029\ufffe\uffff]/;

export const plainVariableValue = variableValue.refine(
  (value) => !UNREADABLE.test(value),
  'This value has a control character that not every applier can read. Store it as a secret.',
);

const variable = z.union([
  z.strictObject({ name: userVariableName, value: plainVariableValue }),
  z.strictObject({ name: userVariableName, sealed: sealedValue }),
]);

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

/** Refuses the second entry with the same `key`, beside its field. */
function unique<K extends string>(key: K) {
  return (list: readonly Readonly<Record<K, string | number>>[], context: z.RefinementCtx): void => {
    const seen = new Set<string | number>();
    list.forEach((entry, index) => {
      const value = entry[key];
      if (seen.has(value))
        context.addIssue({ code: 'custom', path: [index, key], message: `${value} is there twice.` });
      seen.add(value);
    });
  };
}

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
      terminal: z.strictObject({ sealedToken: sealedValue }),
      env: z
        .array(variable)
        .max(VARIABLES_MAX, `A project has at most ${VARIABLES_MAX} variables.`)
        .superRefine(unique('name'))
        .refine(
          (list) =>
            list.reduce(
              (sum, entry) => sum + ('value' in entry ? utf8Length(entry.value) : entry.sealed.length),
              0,
            ) <= VARIABLES_TOTAL_MAX_BYTES,
          `All values together have at most ${VARIABLES_TOTAL_MAX_BYTES / 1024} KiB.`,
        ),
    }),
  })
  .refine((document) => (document.spec.state === 'Deleted') === (document.spec.deletedAt !== undefined), {
    path: ['spec', 'deletedAt'],
    message: 'deletedAt is there exactly when state is Deleted.',
  })
  .refine(({ spec }) => spec.purge === undefined || spec.state === 'Deleted', {
    path: ['spec', 'purge'],
    message: 'Only a deleted project can be purged.',
  });

export type ProjectDocument = z.infer<typeof projectSchema>;
export type ProjectState = (typeof projectStates)[number];
export type ProjectVariable = z.infer<typeof variable>;
