import { z } from 'zod';
import { variableName } from './names.js';
import { unique } from './unique.js';

/** Base64 of the Sealed Secrets layout, namespace-wide scope. Always starts with the length 512: "AgA" or "AgB". */
export const sealedValue = z.string().regex(/^Ag[A-Za-z0-9+/]+={0,2}$/, 'This is not a sealed value.');

/**
 * Linux refuses an environment string (`NAME=value`) over 128 KiB at exec, and a ConfigMap or Secret over 1 MiB.
 * Both limits are kept well away from, because a variable that stops the shell from starting cannot be mended in it.
 */
export const VARIABLE_VALUE_MAX_BYTES = 64 * 1024;
export const VARIABLES_TOTAL_MAX_BYTES = 512 * 1024;
export const VARIABLES_MAX = 200;

/**
 * Set by the platform; a user's variable of that name would be lost without a word, so it is refused with one. And what
 * says where the image and the engine keep their files: the image removes its run folder at each start.
 */
export const RESERVED_VARIABLES: readonly string[] = [
  'DATABASE_URL',
  'PGUSER',
  'PGPASSWORD',
  'PORT',
  'PROJECT_NAME',
  'APP_HOST',
  'TTYD_ACCESS_TOKEN',
  'FULLSTACKAGENT_CONSENT_FILE',
  'FULLSTACKAGENT_ENV_DIR',
  'FULLSTACKAGENT_RUN_DIR',
  'FULLSTACKAGENT_TOOLS_DIR',
  'FULLSTACKAGENT_WORKSPACE',
  'FULLSTACKAGENT_AGENT',
  'FULLSTACKAGENT_REPOSITORY',
  'FULLSTACKAGENT_REPOSITORY_BRANCH',
  'FULLSTACKAGENT_SYSTEM_PROMPT',
  'FULLSTACKAGENT_GIT_NAME',
  'FULLSTACKAGENT_GIT_EMAIL',
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
export const isReadable = (text: string): boolean => !UNREADABLE.test(text);

export const plainVariableValue = variableValue.refine(
  isReadable,
  'This value has a control character that not every applier can read. Store it as a secret.',
);

export const variable = z.union([
  z.strictObject({ name: userVariableName, value: plainVariableValue }),
  z.strictObject({ name: userVariableName, sealed: sealedValue }),
]);

export const variables = z
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
  );
