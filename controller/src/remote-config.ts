import { isAbsolute } from 'node:path';
import { z } from 'zod';

/** The part of the configuration that is about a repository somewhere else. Read by `config.ts`. */

const file = z.string().refine((text) => isAbsolute(text), 'an absolute path is needed');

/** What git takes, without what must not be in an address: it ends up in logs and process lists. */
const address = z.string().superRefine((text, context) => {
  const problem = addressProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const seconds = (min: number, max: number): z.ZodType<number> => z.coerce.number().int().min(min).max(max);

export const remoteVariables = {
  GITOPS_REMOTE: address.optional(),
  GITOPS_REMOTE_USER: z
    .string()
    .regex(/^[\w.@-]+$/, 'letters, digits and ._@- are possible')
    .default('x-access-token'),
  GITOPS_REMOTE_TOKEN_FILE: file.optional(),
  GITOPS_REMOTE_SSH_KEY_FILE: file.optional(),
  GITOPS_REMOTE_KNOWN_HOSTS_FILE: file.optional(),
  GITOPS_REMOTE_CA_FILE: file.optional(),
  GITOPS_REMOTE_MAIN: z.enum(['auto', 'pull-request']).default('auto'),
  GITOPS_REMOTE_API: z.url({ protocol: /^https?$/ }).optional(),
  GITOPS_REMOTE_WEBHOOK_SECRET_FILE: file.optional(),
  GITOPS_REMOTE_FETCH_SECONDS: seconds(1, 86_400).default(60),
  GITOPS_REMOTE_PUSHES_PER_MINUTE: seconds(1, 600).optional(),
  ACK: z.enum(['local', 'replicated']).default('local'),
};

export interface RemoteConfig {
  readonly address: {
    readonly url: string;
    readonly user: string;
    readonly tokenFile?: string;
    readonly ssh?: { readonly keyFile: string; readonly knownHostsFile: string };
    readonly caFile?: string;
  };
  readonly acknowledge: 'local' | 'replicated';
  readonly lookEveryMs: number;
  readonly pushesPerMinute: number;
  readonly alwaysPropose: boolean;
  readonly pullRequests?: {
    readonly api: string;
    readonly owner: string;
    readonly repository: string;
    readonly tokenFile: string;
  };
}

type Variables = z.output<z.ZodObject<typeof remoteVariables>>;

const GITHUB = 'github.com';
/** As GitHub advises. Where somebody waits for each, a server of one's own has to bear more. */
const PUSHES_PER_MINUTE = { local: 6, replicated: 60 } as const;

/** undefined where there is no remote. `refuse` ends the start with one line. */
export function readRemote(value: Variables, refuse: (line: string) => never): RemoteConfig | undefined {
  const url = value.GITOPS_REMOTE;
  if (url === undefined) {
    if (value.ACK === 'replicated') refuse('ACK=replicated needs GITOPS_REMOTE.');
    return undefined;
  }
  const ssh = readSsh(value, refuse);
  const pullRequests = readPullRequests(url, value);
  if (value.GITOPS_REMOTE_MAIN === 'pull-request' && pullRequests === undefined)
    refuse(
      'GITOPS_REMOTE_MAIN=pull-request needs GITOPS_REMOTE_TOKEN_FILE and, except for github.com, GITOPS_REMOTE_API.',
    );
  const tokenFile = value.GITOPS_REMOTE_TOKEN_FILE;
  const caFile = value.GITOPS_REMOTE_CA_FILE;
  return {
    address: {
      url,
      user: value.GITOPS_REMOTE_USER,
      ...(tokenFile === undefined ? {} : { tokenFile }),
      ...(ssh === undefined ? {} : { ssh }),
      ...(caFile === undefined ? {} : { caFile }),
    },
    acknowledge: value.ACK,
    lookEveryMs: value.GITOPS_REMOTE_FETCH_SECONDS * 1000,
    pushesPerMinute: value.GITOPS_REMOTE_PUSHES_PER_MINUTE ?? PUSHES_PER_MINUTE[value.ACK],
    alwaysPropose: value.GITOPS_REMOTE_MAIN === 'pull-request',
    ...(pullRequests === undefined ? {} : { pullRequests }),
  };
}

function readSsh(value: Variables, refuse: (line: string) => never): RemoteConfig['address']['ssh'] {
  const { GITOPS_REMOTE_SSH_KEY_FILE: keyFile, GITOPS_REMOTE_KNOWN_HOSTS_FILE: knownHostsFile } = value;
  if (keyFile === undefined) return undefined;
  if (knownHostsFile === undefined)
    return refuse(
      'GITOPS_REMOTE_SSH_KEY_FILE needs GITOPS_REMOTE_KNOWN_HOSTS_FILE: the server has to prove who it is.',
    );
  return { keyFile, knownHostsFile };
}

function readPullRequests(url: string, value: Variables): RemoteConfig['pullRequests'] {
  const { host, owner, repository } = partsOf(url);
  const api = value.GITOPS_REMOTE_API ?? (host === GITHUB ? `https://api.${GITHUB}` : undefined);
  const tokenFile = value.GITOPS_REMOTE_TOKEN_FILE;
  if (api === undefined || tokenFile === undefined || owner === '' || repository === '') return undefined;
  return { api, owner, repository, tokenFile };
}

/** `https://host/owner/repository.git`, `ssh://git@host/…`, `git@host:owner/repository.git`. */
function partsOf(url: string): {
  readonly host: string;
  readonly owner: string;
  readonly repository: string;
} {
  const [, host = '', path = ''] =
    /^(?:https?|ssh):\/\/(?:[^/@]+@)?([^/:]+)(?::\d+)?\/(.*)$/.exec(url) ??
    /^[^/@]+@([^/:]+):(.*)$/.exec(url) ??
    [];
  const names = path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .split('/');
  return { host, owner: names.at(-2) ?? '', repository: names.at(-1) ?? '' };
}

function addressProblem(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- no address has any
  if (/[\u0000-\u0020\u007f]/.test(text) || text.startsWith('-')) return 'this is no address';
  if (isAbsolute(text) || /^[\w.-]+@[\w.-]+:[^:]+$/.test(text)) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['http:', 'https:', 'ssh:'].includes(url.protocol)
    ? urlProblem(url)
    : 'https://…, ssh://…, git@host:path or the absolute path of a folder is needed';
}

function urlProblem({ protocol, username, password, search, hash }: URL): string | undefined {
  if (password !== '' || (protocol !== 'ssh:' && username !== ''))
    return 'leave the name and the password out; GITOPS_REMOTE_USER and GITOPS_REMOTE_TOKEN_FILE are for them';
  return search === '' && hash === '' ? undefined : 'an address of a repository has no ? and no #';
}
