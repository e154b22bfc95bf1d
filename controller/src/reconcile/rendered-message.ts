import { RENDERER_VERSION } from '@fullstackagent/charts';
import type { CommitDraft, LogEntry, Signature } from '../model/repository.js';

export const INTENT_COMMIT = 'Intent-Commit';

/**
 * Author, time and text come from the intent commit alone: made again after a crash, or after the branch was lost, the
 * commit has the same id.
 */
export function renderedCommit(
  intent: Pick<LogEntry, 'commit' | 'at' | 'subject'>,
): Omit<CommitDraft, 'edits'> {
  const renderer: Signature = {
    name: 'FullstackAgent renderer',
    email: 'renderer@fullstackagent.dev',
    at: intent.at,
  };
  const message = `Render: ${intent.subject}\n\n${INTENT_COMMIT}: ${intent.commit}\nRenderer: ${RENDERER_VERSION}\n`;
  // A commit that changes nothing that is rendered still says how far rendering has come.
  return { author: renderer, committer: renderer, message, evenIfUnchanged: true };
}
