import { Router } from 'express';
import { agentAction, type AgentDto } from '../../contract/agent.js';
import type { ApiDeps } from '../deps.js';
import { bodyOf, contextOf, requireOperator } from '../request.js';

/** Claude Code in sandboxes: everybody may know whether it is there; operators decide about it. */
export function agentRoutes({ agent, log }: ApiDeps): Router {
  const router = Router();
  router.get('/v1/agent', async (_request, response) => {
    const state = await agent.state();
    response.json(contextOf(response).claims.operator ? state : forEverybody(state));
  });
  router.post('/v1/operations/agent', async (request, response) => {
    requireOperator(response);
    const input = bodyOf(agentAction, request);
    const { author, requestId } = contextOf(response);
    const state = await agent.act(input, author);
    log.info({ audit: `agent-${input.action}`, user: author.id, requestId }, 'audit');
    response.json(state);
  });
  return router;
}

/** Without what names folders of the machine or quotes its programs. */
function forEverybody(state: AgentDto): AgentDto {
  const told: { -readonly [Field in keyof AgentDto]: AgentDto[Field] } = { ...state };
  delete told.onPath;
  delete told.failure;
  return told;
}
