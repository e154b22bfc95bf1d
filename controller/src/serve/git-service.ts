import type { Logger } from 'pino';
import { AppError } from '../contract/errors.js';
import type { TokenClaims } from '../contract/token.js';
import type { Repository } from '../model/repository.js';
import { answerWithBackend, type Exchange, type Settings } from './backend.js';
import { HookServer } from './hook-server.js';
import { removeOldQuarantines } from './quarantine.js';
import { PushDesk, type PushStore } from './push-desk.js';
import { offerSettings, pushSettings, readSettings } from './settings.js';
import { Slots } from './slots.js';

export interface GitServiceDeps {
  readonly repository: Pick<Repository, 'path' | 'readBlobs'>;
  readonly searchPath: string;
  readonly store: PushStore;
  readonly log: Logger;
  readonly limits?: Partial<GitLimits>;
}

export interface GitLimits {
  /** How many clones and fetches are served at a time, and how many pushes. */
  readonly reads: number;
  readonly pushes: number;
  readonly readMs: number;
  readonly pushMs: number;
  /** Of the pack that a push sends. */
  readonly pushBytes: number;
}

const MINUTE_MS = 60_000;
const LIMITS: GitLimits = {
  reads: 8,
  pushes: 4,
  readMs: 30 * MINUTE_MS,
  pushMs: 5 * MINUTE_MS,
  pushBytes: 16 * 1024 * 1024,
};

/** A request of a git client, by somebody who is known. */
export interface GitCall extends Exchange {
  /** Below the repository: `/info/refs`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly claims: TokenClaims;
  readonly requestId: string;
}

export interface GitService {
  /** Throws an AppError where nothing was sent yet. */
  answer(call: GitCall): Promise<void>;
  stop(): Promise<void>;
}

type Service = 'git-upload-pack' | 'git-receive-pack';

interface Wanted {
  readonly service: Service;
  readonly step: 'offer' | 'exchange';
}

/** Serves the repository to stock git over its smart HTTP (gitprotocol-http). */
export async function startGitService(deps: GitServiceDeps): Promise<GitService> {
  await removeOldQuarantines(deps.repository.path, Date.now());
  const hooks = await HookServer.start(deps.log);
  return new BackendService(deps, hooks);
}

class BackendService implements GitService {
  readonly #limits: GitLimits;
  readonly #reads: Slots;
  readonly #pushes: Slots;
  readonly #desk: PushDesk;
  readonly #location;
  readonly #open = new Set<Exchange['response']>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(
    private readonly deps: GitServiceDeps,
    private readonly hooks: HookServer,
  ) {
    this.#limits = { ...LIMITS, ...deps.limits };
    this.#reads = new Slots(this.#limits.reads);
    this.#pushes = new Slots(this.#limits.pushes);
    this.#location = { gitDir: deps.repository.path, searchPath: deps.searchPath };
    this.#desk = new PushDesk({
      location: this.#location,
      store: deps.store,
      readBlobs: (ids) => deps.repository.readBlobs(ids),
      log: deps.log,
    });
  }

  async answer(call: GitCall): Promise<void> {
    const wanted = wantedOf(call);
    requirePermission(call.claims, wanted.service);
    const isPush = wanted.service === 'git-receive-pack';
    const giveBack = (isPush ? this.#pushes : this.#reads).take();
    this.#open.add(call.response);
    const answered = isPush ? this.#push(call, wanted.step) : this.#run(call, { settings: readSettings });
    this.#underWay.add(answered);
    try {
      await answered;
    } finally {
      this.#underWay.delete(answered);
      this.#open.delete(call.response);
      giveBack();
    }
  }

  /** Ends what is under way: git takes an answer that stops short for what it is. */
  async stop(): Promise<void> {
    for (const response of this.#open) response.destroy();
    await this.hooks.stop();
    await Promise.allSettled(this.#underWay);
  }

  async #push(call: GitCall, step: Wanted['step']): Promise<void> {
    if (step === 'offer') return this.#run(call, { settings: offerSettings });
    const { claims, requestId } = call;
    const author = { id: claims.sub, name: claims.name };
    const { environment, close } = this.hooks.open(
      this.#desk.handlerFor({ pusher: claims, author, requestId }),
    );
    try {
      await this.#run(call, { settings: pushSettings(this.#limits.pushBytes), environment });
    } finally {
      close();
    }
  }

  #run(call: GitCall, how: { settings: Settings; environment?: Record<string, string> }): Promise<void> {
    const { readMs, pushMs } = this.#limits;
    const kind = how.settings === readSettings ? 'read' : 'push';
    return answerWithBackend(
      {
        kind,
        location: this.#location,
        path: call.path,
        query: call.query,
        user: call.claims.sub,
        settings: how.settings,
        environment: how.environment ?? {},
        limitMs: kind === 'read' ? readMs : pushMs,
        log: this.deps.log.child({ requestId: call.requestId }),
      },
      call,
    );
  }
}

const OFFER = '/info/refs';
const isService = (text: string): text is Service =>
  text === 'git-upload-pack' || text === 'git-receive-pack';

/** The three requests of the smart protocol. Throws for everything else. */
function wantedOf({ path, query, request: { method = '' } }: GitCall): Wanted {
  const service = path === OFFER ? query.replace(/^service=/, '') : path.slice(1);
  if (path === OFFER && !query.startsWith('service='))
    throw new AppError(
      'FORBIDDEN',
      'This is served over the smart protocol only: use a git of version 1.6.6 or newer.',
    );
  if (!isService(service))
    throw new AppError('NOT_FOUND', 'There is nothing at this address. Clone the address above it.');
  const expected = path === OFFER ? 'GET' : 'POST';
  if (method !== expected) throw new AppError('METHOD_NOT_ALLOWED', `This address knows ${expected} only.`);
  return { service, step: path === OFFER ? 'offer' : 'exchange' };
}

/** git has no permissions by path: who may read one file may read all. What a push may change is decided by path, later. */
function requirePermission({ operator, repository }: TokenClaims, service: Service): void {
  if (service === 'git-receive-pack') {
    if (repository === 'read') throw new AppError('FORBIDDEN', 'This token can read and not push.');
    return;
  }
  if (operator || repository === 'read') return;
  throw new AppError(
    'FORBIDDEN',
    'Only operators of the installation can clone and fetch: git cannot show a part of a repository. What is yours is in the portal.',
  );
}
