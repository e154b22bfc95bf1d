import type { AgentDto, OperationsDto, RolloutPlanDto } from '@fullstackagent/controller/contract';

/** What a decision becomes: a commit on `main`. */
export interface Decided {
  readonly commit: string;
}

export type Decision = 'approve' | 'put-back';
type Send = <T>(method: string, path: string, body?: unknown) => Promise<T>;

const ROOT = '/v1/operations';

/** The part of the controller's API that is for operators; it refuses everybody else with FORBIDDEN. */
export class OperationsClient {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  list(): Promise<OperationsDto> {
    return this.#send('GET', ROOT);
  }

  /** `input`: AgentActionInput. */
  agent(input: unknown): Promise<AgentDto> {
    return this.#send('POST', `${ROOT}/agent`, input);
  }

  rolloutPlan(): Promise<RolloutPlanDto> {
    return this.#send('GET', `${ROOT}/rollout/plan`);
  }

  /** To begin or to go on (`approve`), or to have the `platform.yaml` before it again. */
  decideRollout(decision: Decision): Promise<Decided> {
    return this.#send('POST', `${ROOT}/rollout/${decision}`);
  }

  /** `commit`: a full id, checked by the caller. */
  decideRemoval(commit: string, decision: Decision): Promise<Decided> {
    return this.#send('POST', `${ROOT}/removals/${commit}/${decision}`);
  }
}
