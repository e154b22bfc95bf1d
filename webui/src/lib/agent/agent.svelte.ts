import type { AgentActionInput, AgentDto } from '@fullstackagent/controller/contract';
import { Decisions } from '../operations/decisions.svelte.js';
import { Polled } from '../operations/polled.svelte.js';

/** While somebody waits for it. */
const POLL_MS = 1_500;
const PATH = '/api/operations/agent';

/** How it stands with Claude Code on this machine, and what an operator asks for. */
export class Agent extends Polled<AgentDto> {
  readonly decisions = new Decisions(() => this.refresh());

  constructor() {
    super('/api/agent', POLL_MS);
  }

  /** `done`: what to say when it is, where the page does not show it. */
  order(action: AgentActionInput['action'], done?: string): Promise<void> {
    return this.decisions.send({ path: PATH, body: { action }, done });
  }

  /** Asked first: what uses it goes on, and nothing new starts it. */
  askToRemove(): void {
    this.decisions.ask({
      title: 'Remove Claude Code from this machine?',
      text: 'Sandboxes do not find it any more. Where it runs it goes on until it is ended; logins and settings in workspaces stay.',
      action: 'Remove',
      danger: true,
      path: PATH,
      body: { action: 'remove' },
      done: 'Claude Code is removed.',
    });
  }
}
