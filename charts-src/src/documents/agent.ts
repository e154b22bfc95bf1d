import { z } from 'zod';

/** What starts by itself in the first terminal of a sandbox: Claude Code, or the shell alone. */
export const AGENTS = ['claude', 'none'] as const;
export const agent = z.enum(AGENTS);
export type Agent = z.infer<typeof agent>;

interface Choosing {
  readonly agent?: Agent | undefined;
}

/** The project's choice; without one the platform's, and without that Claude Code. */
export const agentOf = (
  platform: { readonly sandbox: Choosing },
  spec: { readonly terminal: Choosing },
): Agent => spec.terminal.agent ?? platform.sandbox.agent ?? 'claude';
