import type { AgentActionInput, AgentDto } from '../contract/agent.js';
import { AppError } from '../contract/errors.js';
import { count, list, record, text } from '../shared/json.js';
import { KubeError, type KubeApi } from '../shared/kube-api.js';

/** Of the engine's one Node. */
const PATH = '/api/v1/nodes/local/agent';
/** What is installed is not waited for; what is cancelled ends within seconds. */
const ORDER_LIMIT_MS = 30_000;

const IN_THE_IMAGE: AgentDto = { from: 'image', available: true, consent: { needed: false } };

export interface AgentDeps {
  readonly api: Pick<KubeApi, 'get' | 'post'>;
  /** The local engine installs programs for its sandboxes; on a cluster they are the image's. */
  readonly offered: boolean;
}

export interface Asking {
  readonly id: string;
  readonly name: string;
}

/** Claude Code on one machine: whether it is there, and whether it may run. */
export class Agent {
  constructor(private readonly deps: AgentDeps) {}

  async state(): Promise<AgentDto> {
    if (!this.deps.offered) return IN_THE_IMAGE;
    return this.#asking(async () => shown(await this.deps.api.get(PATH)));
  }

  /** Throws ACTION_NOT_ALLOWED where there is nothing to do it to. */
  async act({ action }: AgentActionInput, by: Asking): Promise<AgentDto> {
    if (!this.deps.offered)
      throw new AppError('ACTION_NOT_ALLOWED', 'On a cluster Claude Code is a part of the sandbox image.');
    const body = { action, by: { id: by.id, name: by.name } };
    return this.#asking(async () => shown(await this.deps.api.post(PATH, body, ORDER_LIMIT_MS)));
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // The engine's own sentence, after the path that it is about.
      if (error.status === 400 || error.status === 409)
        throw new AppError('ACTION_NOT_ALLOWED', error.message.slice(PATH.length + 2), { cause: error });
      throw error.toAppError();
    }
  }
}

/** Only what is known, in the shape that is promised, whatever the engine says. */
function shown(said: unknown): AgentDto {
  const part = <T>(name: string, read: (value: unknown) => T): T | undefined =>
    record(said)[name] === undefined ? undefined : read(record(said)[name]);
  const onPath = part('onPath', (value) => ({
    path: text(value, 'path') ?? '',
    shown: record(value)['shown'] === true,
  }));
  const installed = part('installed', (value) => ({
    version: text(value, 'version') ?? '',
    bytes: count(value, 'bytes'),
  }));
  const installing = part('installing', (value) => ({
    since: text(value, 'since') ?? '',
    bytes: count(value, 'bytes'),
    ofBytes: count(value, 'ofBytes'),
  }));
  const failure = part('failure', (value) => ({
    message: text(value, 'message') ?? '',
    lines: list(value, 'lines').map(String),
  }));
  const consent = record(record(said)['consent']);
  const at = text(consent, 'given', 'at');
  return {
    from: 'machine',
    available: onPath?.shown === true || installed !== undefined,
    wanted: text(said, 'wanted') ?? '',
    ...(onPath && { onPath }),
    ...(installed && { installed }),
    ...(installing && { installing }),
    ...(failure && { failure }),
    consent: {
      // One question too many is better than one too few.
      needed: consent['needed'] !== false,
      ...(at === undefined ? {} : { given: { at, by: text(consent, 'given', 'by', 'name') ?? '' } }),
    },
  };
}
