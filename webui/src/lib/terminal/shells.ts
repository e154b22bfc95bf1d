import { api, type Result } from '../api.js';
import { projectApi } from '../projects/paths.js';
import type { TerminalTab } from './tabs.js';

/** A shell that runs in the sandbox (controller/src/contract/shells.ts). */
export interface Shell {
  readonly session: string;
  readonly program: string;
  readonly startedAt: string;
}

/** Programs that wait for a command: nothing is lost with one of them. */
const IDLE = new Set(['bash', 'dash', 'fish', 'ksh', 'sh', 'zsh']);

export const isIdle = ({ program }: Shell): boolean => IDLE.has(program.replace(/^-/, ''));

/** What runs and has no tab here: opened in another browser, or kept when its tab was closed. */
export function withoutTab(shells: readonly Shell[], tabs: readonly TerminalTab[]): readonly Shell[] {
  const shown = new Set(tabs.map(({ id }) => id));
  return shells.filter(({ session }) => !shown.has(session));
}

const path = (projectKey: string, session = ''): string =>
  projectApi(projectKey, session === '' ? 'shells' : `shells/${encodeURIComponent(session)}`);

export const listShells = (projectKey: string): Promise<Result<{ readonly shells: readonly Shell[] }>> =>
  api('GET', path(projectKey));

export const endShell = (projectKey: string, session: string): Promise<Result<unknown>> =>
  api('DELETE', path(projectKey, session));
