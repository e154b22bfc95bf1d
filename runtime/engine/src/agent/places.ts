import { join } from 'node:path';

/** Of this machine. */
export interface AgentPlaces {
  /** Folder with programs for all sandboxes. */
  readonly tools: string;
  /** There while an agent may run without isolation. */
  readonly consentFile: string;
}

export const agentPlaces = (engineHome: string): AgentPlaces => ({
  tools: join(engineHome, 'tools'),
  consentFile: join(engineHome, 'agent-consent.json'),
});
