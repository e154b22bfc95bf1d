import { z } from 'zod';
import { PROJECT_NAME_MAX, RESERVED_PROJECT_NAMES } from './slug.js';

export * from './slug.js';

/**
 * Names that become Kubernetes object names, DNS labels and paths in git.
 *
 * Everything derived from a project is called `<project>--<role>` (see `names()` in `../names.ts`).
 * A project's own name therefore never contains `--`, so that no project can be called like another project's part.
 */

/** RFC 1035 label: a Service's name has to start with a letter. */
const LABEL = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/;

export const projectName = z
  .string()
  .min(1, 'A project needs a name.')
  .max(PROJECT_NAME_MAX, `A project name has at most ${PROJECT_NAME_MAX} characters.`)
  .regex(LABEL, 'A project name starts with a letter and contains only a-z, 0-9 and single hyphens.')
  .refine((name) => !name.includes('--'), 'A project name contains no two hyphens in a row.')
  .refine((name) => !RESERVED_PROJECT_NAMES.includes(name), 'This name is reserved.');

/** `ns-` and the tenant's random part; its first two characters are the shard of the path in git. */
export const namespaceName = z
  .string()
  .regex(/^ns-[a-z0-9]{8}$/, 'A tenant namespace is "ns-" and eight characters of a-z and 0-9.');

/** `https://<host>.<domain>`: drawn once, unique in the installation. */
export const hostName = z.string().regex(/^[a-z0-9]{12}$/, 'A host is twelve characters of a-z and 0-9.');

/** POSIX: XBD 8.1, plus lower case. */
export const variableName = z
  .string()
  .min(1, 'A variable needs a name.')
  .max(128, 'A variable name has at most 128 characters.')
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    'A variable name contains only letters, digits and _, and does not start with a digit.',
  );

/** One visible line: no control characters, no line ends, trimmed. */
export function singleLine(max: number, what: string): z.ZodType<string, string> {
  return (
    z
      .string()
      .trim()
      .min(1, `${what} is empty.`)
      .max(max, `${what} has at most ${max} characters.`)
      .refine((text) => text.isWellFormed(), `${what} is valid Unicode text.`)
      // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
      .regex(/^[^\u0000-\u001f\u007f\u2028\u2029]*$/, `${what} is one line without control characters.`)
  );
}

/** RFC 1123 subdomain: what an object of the cluster is called. */
export const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    'A name in the cluster is lower-case letters, digits, hyphens and dots.',
  );

/** As the one who made it calls it. It becomes a part of an annotation. */
export const backupName = z
  .string()
  .max(121, 'A backup name has at most 121 characters.')
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, 'A backup is called by a-z, 0-9 and hyphens.');
