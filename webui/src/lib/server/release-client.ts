import type {
  BuildDto,
  BuildStateDto,
  ChangeDto,
  ReleaseStateDto,
  SnapshotDto,
  StartCommandDto,
} from '@fullstackagent/controller/contract';
import type { ControllerRequest } from './controller-request.js';

type Send = <T>(request: ControllerRequest) => Promise<T>;

/** Copying a workspace with its dependencies takes minutes on a slow disk. */
const SNAPSHOT_LIMIT_MS = 6 * 60_000;
const slow = (): AbortSignal => AbortSignal.timeout(SNAPSHOT_LIMIT_MS);

/** The part of the controller's API that is about the release of one project. */
export class ReleaseClient {
  readonly #send: Send;
  readonly #path: string;

  constructor(send: Send, projectPath: string) {
    this.#send = send;
    this.#path = `${projectPath}/release`;
  }

  state(): Promise<ReleaseStateDto> {
    return this.#send({ method: 'GET', path: this.#path });
  }

  /** `input`: ReleaseInput. */
  release(input: unknown): Promise<ChangeDto> {
    return this.#send({ method: 'POST', path: this.#path, body: input, signal: slow() });
  }

  takeDown(): Promise<ChangeDto> {
    return this.#send({ method: 'DELETE', path: this.#path });
  }

  /** `input`: RollBackInput. */
  rollBack(input: unknown): Promise<ChangeDto> {
    return this.#send({ method: 'POST', path: `${this.#path}/rollback`, body: input });
  }

  /** `input`: SnapshotInput. Nothing runs because of it. */
  snapshot(input: unknown): Promise<SnapshotDto> {
    return this.#send({ method: 'POST', path: `${this.#path}/snapshot`, body: input, signal: slow() });
  }

  /** `input`: BuildInput. Answers when it has begun. */
  build(input: unknown): Promise<BuildDto> {
    return this.#send({ method: 'POST', path: `${this.#path}/build`, body: input });
  }

  buildState(): Promise<BuildStateDto> {
    return this.#send({ method: 'GET', path: `${this.#path}/build` });
  }

  /** Answers when it has ended. */
  cancelBuild(): Promise<BuildDto> {
    return this.#send({ method: 'DELETE', path: `${this.#path}/build` });
  }

  startCommand(): Promise<StartCommandDto> {
    return this.#send({ method: 'GET', path: `${this.#path}/start-command` });
  }
}
