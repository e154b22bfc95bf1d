import type { ProposalsDto, RemoteDto } from '@fullstackagent/controller/contract';
import type { Decided } from './operations-client.js';

export type RemoteCommand = 'sync' | 'accept-upstream' | 'keep-rendered';
export type ProposalDecision = 'accept' | 'dismiss';
type Send = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/** The repository somewhere else, and what was changed there; for operators. Everybody else gets FORBIDDEN. */
export class RemoteClient {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  show(): Promise<RemoteDto> {
    return this.#send('GET', '/v1/remote');
  }

  /** Answers with what came of it. */
  command(command: RemoteCommand): Promise<RemoteDto> {
    return this.#send('POST', `/v1/remote/${command}`);
  }

  proposals(): Promise<ProposalsDto> {
    return this.#send('GET', '/v1/proposals');
  }

  /** `id`: of a proposal, checked by the caller. */
  decide(id: string, decision: ProposalDecision): Promise<Decided> {
    return this.#send('POST', `/v1/proposals/${id}/${decision}`);
  }
}
