import type { AgentDto } from '@fullstackagent/controller/contract';

/** What somebody who opens a terminal should know; undefined: nothing. */
export type AgentHint = 'installing' | 'failed' | 'missing' | 'unconfirmed';

/** What comes first: without a program there is nothing to allow. */
export function hintOf(agent: AgentDto | undefined): AgentHint | undefined {
  if (agent === undefined) return undefined;
  if (agent.installing !== undefined) return 'installing';
  if (!agent.available) return agent.failure === undefined ? 'missing' : 'failed';
  return agent.consent.needed && agent.consent.given === undefined ? 'unconfirmed' : undefined;
}
