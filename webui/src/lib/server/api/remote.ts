import { AppError } from '@fullstackagent/controller/contract';
import type { ProposalDecision, RemoteCommand } from '../remote-client.js';
import { forOperators } from './operator.js';
import { onProject, type signedIn } from './route.js';

const PROPOSAL_ID = /^[0-9a-f]{16}$/;

type Route = ReturnType<typeof signedIn>;

export const commandRemote = (command: RemoteCommand): Route =>
  forOperators(({ controller }) => controller.remote.command(command));

export const decideProposal = (decision: ProposalDecision): Route =>
  forOperators(({ controller, event }) => controller.remote.decide(proposalIn(event.params), decision), 202);

/** For the people of the project. */
export const decideOwnProposal = (decision: ProposalDecision): Route =>
  onProject(
    ({ controller, key, event }) => controller.decideProposal(key, proposalIn(event.params), decision),
    202,
  );

/** Throws NOT_FOUND for what is no id, so that no other text ever becomes part of an address. */
function proposalIn({ proposal = '' }: Partial<Record<string, string>>): string {
  if (PROPOSAL_ID.test(proposal)) return proposal;
  throw new AppError('NOT_FOUND', 'There is no such proposal, or somebody has decided about it.');
}
