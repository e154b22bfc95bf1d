import type { CommitDraft, FileChange, LogEntry } from '../model/repository.js';
import { parseTrailers } from './log.js';
import { signatureText } from './object.js';

/** More than ever wait to be rendered at once, and a few hundred bytes each. */
const REMEMBERED = 2_000;

/**
 * The commits that this process wrote last, as `git log` would tell of them. Whoever follows a branch asks for these,
 * a moment after each was written: without this, every change would cost the start of a git.
 */
export class RecentCommits {
  readonly #entries = new Map<string, LogEntry>();

  add(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#entries.set(entry.commit, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= REMEMBERED) return;
      this.#entries.delete(oldest);
    }
  }

  /** From after `after` to `tip`, oldest first; undefined where any of them is not known here. */
  between(after: string, tip: string): readonly LogEntry[] | undefined {
    const found: LogEntry[] = [];
    for (let at: string | undefined = tip; at !== after; at = found.at(-1)?.parent) {
      const entry: LogEntry | undefined = at === undefined ? undefined : this.#entries.get(at);
      if (entry === undefined) return undefined;
      found.push(entry);
    }
    return found.reverse();
  }
}

export interface WrittenCommit {
  readonly commit: string;
  readonly parent: string | undefined;
  readonly draft: CommitDraft;
  readonly files: readonly FileChange[];
}

/** What git will say of a commit that was just made. */
export function logEntryOf({ commit, parent, draft, files }: WrittenCommit): LogEntry {
  const paragraphs = draft.message
    .replaceAll('\0', '')
    .trimEnd()
    .split(/\n{2,}/);
  const [subject = '', ...rest] = paragraphs;
  return {
    commit,
    parent,
    at: new Date(Math.floor(draft.committer.at.getTime() / 1000) * 1000),
    author: { name: signatureText(draft.author.name) || 'unknown', email: signatureText(draft.author.email) },
    subject: subject.replaceAll('\n', ' '),
    trailers: parseTrailers(rest.at(-1) ?? ''),
    files,
  };
}
