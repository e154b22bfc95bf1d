import type { Logger } from 'pino';
import type { Isolation } from '../isolation/index.js';
import { AgentDesk } from './agent-desk.js';
import { claudeCode, claudeOnPath } from './claude-code.js';
import { AgentConsent } from './consent.js';
import { agentPlaces } from './places.js';
import { ToolFolder } from './tool-folder.js';

export interface OpenDeskOptions {
  /** Of the engine. */
  readonly home: string;
  /** Folder with the lock file of the sandbox image. */
  readonly pinnedTools: string;
  /** Where sandboxes look for programs. */
  readonly path: string;
  readonly isolation: Isolation;
  /** `NAME=value`, by which a later life of the engine finds what this one left running. */
  readonly marker: string;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Makes the folder that sandboxes see, and reads what was decided. */
export async function openAgentDesk(options: OpenDeskOptions): Promise<AgentDesk> {
  const { home, pinnedTools, path, isolation, marker, now, log } = options;
  const { tools: folder, consentFile: file } = agentPlaces(home);
  const tool = claudeCode(pinnedTools);
  const tools = new ToolFolder(folder, tool);
  await tools.open();
  const as = process.getuid?.() === 0 ? 'root' : 'user';
  return new AgentDesk({
    ...{ tools, roughBytes: tool.roughBytes, now, log },
    onPath: () => claudeOnPath(path, isolation),
    consent: await AgentConsent.open({ file, as, now }),
    consentNeeded: isolation.kind === 'none',
    install: { path, marker },
  });
}
