import type { LogLine } from '../logs/index.js';
import { isOn, wholeNumber } from './replies.js';
import { badRequest } from './status.js';

/** What `kubectl logs` can ask for. */
export interface LogOptions {
  readonly container: string | undefined;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** Milliseconds. */
  readonly since: number | undefined;
}

export function logOptions(query: URLSearchParams): LogOptions {
  return {
    container: query.get('container') ?? undefined,
    follow: isOn(query, 'follow'),
    previous: isOn(query, 'previous'),
    timestamps: isOn(query, 'timestamps'),
    tailLines: wholeNumber(query, 'tailLines'),
    limitBytes: wholeNumber(query, 'limitBytes'),
    since: since(query),
  };
}

function since(query: URLSearchParams): number | undefined {
  const seconds = wholeNumber(query, 'sinceSeconds');
  if (seconds !== undefined) return Date.now() - seconds * 1000;
  const time = query.get('sinceTime');
  if (time === null || time === '') return undefined;
  const at = Date.parse(time);
  if (Number.isNaN(at)) throw badRequest('"sinceTime" is not a time.');
  return at;
}

/** Of what is there: since when, and how many from the end. */
export function selected(
  lines: readonly LogLine[],
  { since: from, tailLines }: LogOptions,
): readonly LogLine[] {
  const young = from === undefined ? lines : lines.filter(({ at }) => at === '' || Date.parse(at) >= from);
  if (tailLines === undefined) return young;
  // A line in parts is one line.
  let first = young.length;
  for (let left = tailLines; first > 0; first -= 1)
    if (young[first - 1]?.ends === true && (left -= 1) < 0) break;
  return tailLines === 0 ? [] : young.slice(first);
}

export function shown(lines: readonly LogLine[], { timestamps, limitBytes }: LogOptions): string {
  const words = lines
    .map(({ at, text, ends }) => `${timestamps ? `${at} ` : ''}${text}${ends ? '\n' : ''}`)
    .join('');
  return limitBytes === undefined ? words : Buffer.from(words).subarray(0, limitBytes).toString('utf8');
}
