import { pino, type Logger } from 'pino';
import { AccessTokens } from './accounts/access-tokens.js';
import { AccountStore } from './accounts/account-store.js';
import { AttemptLimit } from './accounts/attempt-limit.js';
import { TokenCodes } from './accounts/token-codes.js';
import { AppAccess } from './app-access/app-access.js';
import type { Config } from './config.js';
import { Controllers } from './controllers.js';
import { Database } from './database/database.js';
import { LiveConnections } from './live-connections.js';
import { Sessions } from './sessions.js';
import { TerminalShares } from './terminal/shares.js';

/** What the routes and the hooks work with: put together once, at the start. */
export interface Services {
  readonly config: Config;
  readonly log: Logger;
  readonly database: Database;
  readonly accounts: AccountStore;
  readonly sessions: Sessions;
  readonly tokens: AccessTokens;
  readonly tokenCodes: TokenCodes;
  readonly controllers: Controllers;
  readonly apps: AppAccess;
  readonly shares: TerminalShares;
  readonly live: LiveConnections;
  readonly limits: AttemptLimits;
  /** Resolves when the tables are there; rejects when the portal is stopped before. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface AttemptLimits {
  /** Wrong passwords for one account from one address: somebody guessing. */
  readonly accountFromAddress: AttemptLimit;
  /** For one account from anywhere: many machines guessing. High, because it keeps the owner out too. */
  readonly account: AttemptLimit;
  /** From one address, whatever the account. */
  readonly address: AttemptLimit;
  readonly signUps: AttemptLimit;
}

const MINUTE_MS = 60_000;
const CLEANING_INTERVAL_MS = 60 * MINUTE_MS;

let current: Services | undefined;

/** Throws where {@link startServices} was not called: a mistake in the order of things, not an outage. */
export function services(): Services {
  if (current === undefined) throw new Error('The portal has not been started.');
  return current;
}

export function startServices(config: Config): Services {
  const log = createLog(config.logLevel);
  const database = new Database(config.databaseUrl, log);
  const sessions = new Sessions(database, { secure: config.origin.startsWith('https:') });
  const tokens = new AccessTokens(database);
  const tokenCodes = new TokenCodes(database);
  const shares = new TerminalShares(database, config.terminalShares);
  const live = new LiveConnections({
    checkEveryMs: MINUTE_MS,
    standing: async ({ kind, key }) => {
      if (kind === 'token') return tokens.standingOf(key);
      if (kind === 'share') return shares.standingOf(key);
      if (kind === 'guest') return shares.guests.standingOf(key);
      const until = await sessions.endOf(key);
      return until === undefined ? undefined : { until };
    },
  });
  const controllers = new Controllers(config.controllerUrl, config.tokenKey);
  const closing = new AbortController();
  const ready = database.migrate(closing.signal);
  const cleaning = setInterval(() => {
    sessions.removeExpired().catch(() => undefined);
    shares.removeOld().catch(() => undefined);
    tokenCodes.removeOld().catch(() => undefined);
  }, CLEANING_INTERVAL_MS);
  cleaning.unref();
  current = {
    config,
    log,
    database,
    sessions,
    shares,
    live,
    ready,
    accounts: new AccountStore(database),
    tokens,
    tokenCodes,
    controllers,
    apps: new AppAccess({
      secret: config.tokenKey,
      app: (person, label) => controllers.clientForApp(person).app(label),
      sessionEnd: (key) => sessions.endOf(key),
    }),
    limits: attemptLimits(),
    close: async () => {
      clearInterval(cleaning);
      closing.abort();
      live.close();
      await ready.catch(() => undefined);
      await database.close();
    },
  };
  return current;
}

export const attemptLimits = (): AttemptLimits => ({
  accountFromAddress: new AttemptLimit({ attempts: 10, windowMs: 15 * MINUTE_MS }),
  account: new AttemptLimit({ attempts: 100, windowMs: 15 * MINUTE_MS }),
  address: new AttemptLimit({ attempts: 100, windowMs: 15 * MINUTE_MS }),
  signUps: new AttemptLimit({ attempts: 30, windowMs: 60 * MINUTE_MS }),
});

function createLog(level: string): Logger {
  const redact = ['*.authorization', '*.cookie', '*.password', '*.token'];
  // Written at once: the buffering writer waits at exit, for ever, for a reader that is dead (the parent after kill -9).
  const stdout = pino.destination({ dest: 1, sync: true });
  return pino({ level, base: { process: 'portal' }, redact }, stdout);
}
