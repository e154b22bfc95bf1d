export type { AgentDesk, AgentState } from './agent-desk.js';
export { openAgentDesk } from './open-desk.js';
export { claudeCode } from './claude-code.js';
export { agentPlaces, type AgentPlaces } from './places.js';
export { ToolFolder } from './tool-folder.js';
