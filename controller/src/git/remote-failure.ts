export type RemoteFailureKind = 'unreachable' | 'unauthorized' | 'not-found' | 'rate-limited' | 'failed';

/** The remote could not be asked, or did not answer. `message` may be shown. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';

  constructor(
    readonly kind: RemoteFailureKind,
    message: string,
    /** Until when it wants to be left alone, where it said so. */
    readonly retryAt?: Date,
  ) {
    super(message);
  }
}

/** In this order: git's last words are often the same for several causes. All in the C locale. */
const CAUSES: readonly (readonly [RemoteFailureKind, RegExp])[] = [
  ['rate-limited', /\b429\b|rate limit|too many requests/i],
  [
    'unauthorized',
    /Authentication failed|returned error: 40[13]|could not read (?:Username|Password)|Permission denied|Host key verification failed|Invalid username or/i,
  ],
  [
    'not-found',
    /Repository not found|returned error: 404|repository '[^']*' not found|does not appear to be a git repository|No such file or directory/i,
  ],
  [
    'unreachable',
    /Could not resolve|Failed to connect|Couldn't connect|Connection (?:refused|reset|timed out|closed)|timed? out|returned error: 5\d\d|early EOF|RPC failed|Empty reply|unexpected disconnect|Could not read from remote|block timeout|SSL|certificate|gnutls|slow/i,
  ],
];

const PROGRESS =
  /^(?:Enumerating|Counting|Compressing|Writing|Receiving|Resolving|Unpacking|Updating|Checking) [\w ]+: |^Total \d|^Delta compression/;
const MESSAGE_MAX = 500;

/** What git said, without what nobody may read. */
export function remoteFailure(error: unknown, secrets: readonly string[]): RemoteFailure {
  const said = error instanceof Error ? error.message : String(error);
  const kind = CAUSES.find(([, pattern]) => pattern.test(said))?.[0] ?? 'failed';
  return new RemoteFailure(kind, shown(said, secrets));
}

export function shown(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, '***');
  clean = clean.replace(/(\w+:\/\/)[^/\s@]+@/g, '$1');
  const lines = clean
    .split(/[\r\n]+/)
    .map((line) => line.replace(/^(?:remote: |fatal: |error: )+/, '').trim())
    .filter((line) => line !== '' && ![/^hint:/, /^To \S+$/, PROGRESS].some((noise) => noise.test(line)));
  const message = [...new Set(lines)].join(' ');
  return message.length <= MESSAGE_MAX ? message : `${message.slice(0, MESSAGE_MAX - 1)}…`;
}
