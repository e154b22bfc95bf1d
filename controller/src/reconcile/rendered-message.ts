import { RENDERER_VERSION } from '@fullstackagent/charts';
import type { ProjectKey } from '../model/intent.js';
import type { CommitDraft, LogEntry, Signature } from '../model/repository.js';
import type { RollOut, Standing } from './standing.js';

export const INTENT_COMMIT = 'Intent-Commit';
/** Blob id of the `platform.yaml` in force. */
export const PLATFORM = 'Platform';
/** `<commit> waiting` or `<commit> through <path>`; absent where there is none. */
export const ROLL_OUT = 'Roll-Out';
/** On the commit made from one that would take many projects away: the intent commit before it. */
export const HOLDS_BACK = 'Holds-Back-Since';
/** The intent commit whose removals are held back no longer. */
export const RELEASES = 'Releases';
/** `none`, `many`, or the one project and the version of its document: most commits need not be compared to know. */
export const TOUCHED = 'Touched';
/** On `main`: approves the commit whose consequences are held back. */
export const APPROVES = 'Approves';

export interface Touched {
  readonly key: ProjectKey;
  /** Blob id of its document. */
  readonly version: string;
}

export interface RenderedFrom {
  readonly intent: Pick<LogEntry, 'commit' | 'at' | 'subject'>;
  readonly standing: Pick<Standing, 'platform' | 'rollOut'>;
  readonly holdsBackSince?: string | undefined;
  readonly releases?: string | undefined;
  readonly touched: readonly Touched[];
}

/**
 * Author, time and text come from the intent commit and where rendering stood: made again after a crash, or after the
 * branch was lost, the commit has the same id.
 */
export function renderedCommit(from: RenderedFrom): Omit<CommitDraft, 'edits'> {
  return commit(from, `Render: ${from.intent.subject}`);
}

/** One slice of a roll-out, or its end: no intent commit of its own stands behind it. */
export function sliceCommit(from: RenderedFrom, text: string): Omit<CommitDraft, 'edits'> {
  return commit(from, `Roll out: ${text}`);
}

function commit(
  { intent, standing, holdsBackSince, releases, touched }: RenderedFrom,
  subject: string,
): Omit<CommitDraft, 'edits'> {
  const renderer: Signature = {
    name: 'FullstackAgent renderer',
    email: 'renderer@fullstackagent.dev',
    at: intent.at,
  };
  const trailers = [
    `${INTENT_COMMIT}: ${intent.commit}`,
    `Renderer: ${RENDERER_VERSION}`,
    ...trailer(PLATFORM, standing.platform?.version),
    ...trailer(ROLL_OUT, standing.rollOut === undefined ? undefined : rollOutText(standing.rollOut)),
    ...trailer(HOLDS_BACK, holdsBackSince),
    ...trailer(RELEASES, releases),
    `${TOUCHED}: ${touchedText(touched)}`,
  ];
  // A commit that changes nothing that is rendered still says how far rendering has come.
  return {
    author: renderer,
    committer: renderer,
    message: `${subject}\n\n${trailers.join('\n')}\n`,
    evenIfUnchanged: true,
  };
}

const trailer = (name: string, value: string | undefined): readonly string[] =>
  value === undefined ? [] : [`${name}: ${value}`];

function touchedText([one, ...others]: readonly Touched[]): string {
  if (one === undefined) return 'none';
  return others.length > 0 ? 'many' : `${one.key.namespace}/${one.key.name} ${one.version}`;
}

/** undefined where the commit has to be looked at to know. */
export function readTouched(text: string | undefined): readonly Touched[] | undefined {
  if (text === 'none') return [];
  const match = /^(ns-[a-z0-9]{8})\/([a-z0-9-]+) ([0-9a-f]{40})$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, namespace = '', name = '', version = ''] = match;
  return [{ key: { namespace, name }, version }];
}

const rollOutText = (rollOut: RollOut): string =>
  rollOut.state === 'waiting' ? `${rollOut.commit} waiting` : `${rollOut.commit} through ${rollOut.through}`;

/** undefined where there is none, or somebody wrote something else there by hand. */
export function readRollOut(text: string | undefined): RollOut | undefined {
  const match = /^([0-9a-f]{40}) (?:(waiting)|through ?(.*))$/.exec(text ?? '');
  if (match?.[1] === undefined) return undefined;
  const commitId = match[1];
  return match[2] === 'waiting'
    ? { commit: commitId, state: 'waiting' }
    : { commit: commitId, state: 'rolling', through: match[3] ?? '' };
}
