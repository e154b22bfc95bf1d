import type { Logger } from 'pino';

/** What the service needs of a logger: any pino logger will do. */
export type PostgresLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** One database server. Stable input: the same `id` finds the same data, whatever the port. */
export interface PostgresInstance {
  /** Names the data folder: `[a-z0-9][a-z0-9-]{0,99}`. */
  readonly id: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** Password of the role `postgres`; set on every start, so changing it here changes it there. */
  readonly password: string;
}

export interface PostgresExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of the server's own log: what a person needs to see when it died. At most 4 KB. */
  readonly lastOutput: string;
}

export interface RunningPostgres {
  /** The postmaster's process id. */
  readonly pid: number;
  readonly port: number;
  /** Fast shutdown, immediate after a deadline. Resolves when the process is gone; safe to call twice. */
  stop(): Promise<void>;
  /** Called once, also when the server is gone already. `stop()` ends in an exit too. */
  onExit(callback: (exit: PostgresExit) => void): void;
}

export interface PostgresService {
  /** Makes the links of the shared libraries and runs initdb, once a root folder. `ensure` does it too. */
  prepareTemplate(): Promise<void>;
  /** The version that every instance runs, such as "18.1". */
  version(): Promise<string>;
  /**
   * Clones the template on first use, stops what an earlier life left running, starts the server and resolves when it
   * accepts connections with the given password. Running already on this port: answers the same server.
   * Throws {@link PostgresError}.
   */
  ensure(instance: PostgresInstance): Promise<RunningPostgres>;
  /** Where the data of an instance is, or will be. */
  dataFolder(id: string): Promise<string>;
  /** Stops the server, and lets nothing start on its data until `work` is done with it. */
  whileStopped(id: string, work: (dataFolder: string) => Promise<void>): Promise<void>;
  /** Stops the server and deletes its data. Nothing there is fine. */
  remove(id: string): Promise<void>;
  /** Stops every server of this service, at the same time. */
  stopAll(): Promise<void>;
}

export type PostgresErrorCode =
  'BINARIES_MISSING' | 'PATH_CLOSED' | 'INVALID_INSTANCE' | 'INIT_FAILED' | 'START_FAILED' | 'BACKUP_FAILED';

/** `message` is one line for a person; `cause` keeps what happened. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly code: PostgresErrorCode;

  constructor(code: PostgresErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
