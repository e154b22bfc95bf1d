import type { BackupsDto, ChangeDto } from '@fullstackagent/controller/contract';
import type { ControllerRequest } from './controller-request.js';

type Send = <T>(request: ControllerRequest) => Promise<T>;

/** The part of the controller's API that is about the backups of one project's database. */
export class BackupsClient {
  readonly #send: Send;
  readonly #path: string;

  constructor(send: Send, projectPath: string) {
    this.#send = send;
    this.#path = `${projectPath}/database`;
  }

  state(): Promise<BackupsDto> {
    return this.#send({ method: 'GET', path: `${this.#path}/backups` });
  }

  backUp(): Promise<ChangeDto> {
    return this.#send({ method: 'POST', path: `${this.#path}/backups` });
  }

  /** `input`: BackupScheduleInput. */
  setSchedule(input: unknown): Promise<ChangeDto> {
    return this.#send({ method: 'PUT', path: `${this.#path}/backups`, body: input });
  }

  /** `input`: RestoreInput. */
  restore(input: unknown): Promise<ChangeDto> {
    return this.#send({ method: 'POST', path: `${this.#path}/restore`, body: input });
  }
}
