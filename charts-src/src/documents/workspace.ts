import { z } from 'zod';
import { singleLine } from './names.js';
import { isReadable } from './variables.js';

/** It becomes a file, and a variable of the container on the way there. */
export const SYSTEM_PROMPT_MAX_BYTES = 16 * 1024;

const URL_MAX = 2000;
const BRANCH_MAX = 200;
const EMAIL_MAX = 254;

const HOST = String.raw`(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])`;
/** In the path, what an address may have without being written otherwise (RFC 3986), less what begins a query. */
const ADDRESS = new RegExp(String.raw`^https://${HOST}(?::\d{1,5})?/[A-Za-z0-9._~!$&'()*+,;=:@%/-]+$`);

/** Where anybody who can read the document could read the password too, and git would keep it in the workspace. */
const repositoryUrl = z
  .string()
  .max(URL_MAX, `The address has at most ${URL_MAX} characters.`)
  .refine((url) => !/^[a-z][a-z0-9+.-]*:\/\/[^/]*@/i.test(url), {
    error:
      'The address has no user name, password or token in it. For a private repository on github.com, put GH_TOKEN among the secret variables.',
    abort: true,
  })
  .regex(ADDRESS, 'An address is written like "https://github.com/team/blog.git".');

/** git-check-ref-format(1), and no hyphen first, as `git branch` wants it. */
const isRefName = (name: string): boolean =>
  // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
  !/[\u0000-\u0020\u007f~^:?*[\\]/.test(name) &&
  !/^[-/]|\/$|\/\/|\.\.|@\{|\.$/.test(name) &&
  name !== '@' &&
  name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));

const branch = z
  .string()
  .min(1, 'A branch has a name. Leave it out for the default branch.')
  .max(BRANCH_MAX, `The name of a branch has at most ${BRANCH_MAX} characters.`)
  .refine(
    (name) => name.isWellFormed() && isReadable(name) && isRefName(name),
    'Git has no branch of such a name.',
  );

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

const systemPrompt = z
  .string()
  .refine((text) => text.trim() !== '', 'The system prompt is empty. Leave it out.')
  .refine(
    (text) => utf8Length(text) <= SYSTEM_PROMPT_MAX_BYTES,
    `The system prompt has at most ${SYSTEM_PROMPT_MAX_BYTES / 1024} KiB. Put more into files of the repository.`,
  )
  .refine((text) => text.isWellFormed(), 'The system prompt is valid Unicode text.')
  .refine(
    // eslint-disable-next-line no-control-regex -- control characters are exactly what is refused
    (text) => isReadable(text) && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text),
    'The system prompt has no control characters.',
  );

/** Git leaves out "<" and ">", and refuses a name that is nothing but punctuation. */
const identityName = singleLine(100, 'The name for git')
  .refine(isReadable, 'The name for git has no control characters.')
  .refine((name) => !/[<>]/.test(name), 'The name for git has no "<" and no ">".')
  .refine((name) => /[\p{L}\p{N}]/u.test(name), 'The name for git has at least one letter or digit.');

const identityEmail = singleLine(EMAIL_MAX, 'The e-mail address')
  .refine(isReadable, 'The e-mail address has no control characters.')
  .refine(
    (email) => /^[^\s<>@]+@[^\s<>@]+$/.test(email),
    'An e-mail address is written like "ada@example.com".',
  );

/**
 * What a workspace begins with. Read when a sandbox starts and its volume was not prepared yet, so a change of it later
 * touches nothing that is there. The git identity is looked at at each start, and follows until a person sets their own.
 */
export const workspaceSchema = z.strictObject({
  repository: z
    .strictObject({
      url: repositoryUrl,
      /** Or a tag; absent: the default branch. */
      branch: branch.optional(),
    })
    .optional(),
  /** The text of `CLAUDE.md`, where the repository has none. */
  systemPrompt: systemPrompt.optional(),
  git: z.strictObject({ name: identityName.optional(), email: identityEmail.optional() }).optional(),
});

export type Workspace = z.infer<typeof workspaceSchema>;
