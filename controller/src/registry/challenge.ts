/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). The scheme is in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*,?/y;

/** Of a header with several, each; what cannot be read ends the list. */
export function challengesOf(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  while (position < header.length) {
    take(/[\s,]*/y);
    const scheme = take(TOKEN)?.[0];
    if (scheme === undefined) break;
    const parameters: Record<string, string> = {};
    for (let match = take(PARAMETER); match !== null; match = take(PARAMETER))
      parameters[(match[1] ?? '').toLowerCase()] = match[2]?.replaceAll(/\\(.)/g, '$1') ?? match[3] ?? '';
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}
