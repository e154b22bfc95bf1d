import { isDeepStrictEqual } from 'node:util';
import { FORMER_MAX, VARIABLES_TOTAL_MAX_BYTES, type ProjectDocument } from '@fullstackagent/charts';

type Release = NonNullable<ProjectDocument['spec']['release']>;
type Variables = Release['env'];

/**
 * `document` with the variables of the releases before it: pods of theirs may answer until the new ones do, and need what
 * they were started with whenever they start again. `before` is the release that stands. Newest first, the oldest left out
 * where there are too many for a document.
 */
export function withFormerEnv(document: ProjectDocument, before: Release | undefined): ProjectDocument {
  const { release } = document.spec;
  if (release === undefined) return document;
  const after: Release = { ...release };
  delete after.formerEnv;
  const former = formerOf(before, after.env);
  return {
    ...document,
    spec: {
      ...document.spec,
      release: { ...after, ...(former.length === 0 ? {} : { formerEnv: [...former] }) },
    },
  };
}

function formerOf(before: Release | undefined, env: Variables): readonly Variables[] {
  if (before === undefined) return [];
  const former: Variables[] = [];
  let size = sizeOf(env);
  for (const set of [before.env, ...(before.formerEnv ?? [])]) {
    const isKnown = set.length === 0 || [env, ...former].some((other) => areSame(set, other));
    size += isKnown ? 0 : sizeOf(set);
    if (isKnown) continue;
    if (former.length === FORMER_MAX || size > VARIABLES_TOTAL_MAX_BYTES) break;
    former.push(set);
  }
  return former;
}

const sizeOf = (set: Variables): number => Buffer.byteLength(JSON.stringify(set));

/** In whatever order they are. */
const areSame = (one: Variables, other: Variables): boolean => isDeepStrictEqual(sorted(one), sorted(other));

const sorted = (set: Variables): Variables => [...set].sort((a, b) => (a.name < b.name ? -1 : 1));
