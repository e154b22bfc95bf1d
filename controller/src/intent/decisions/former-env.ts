import { isDeepStrictEqual } from 'node:util';
import { FORMER_MAX, VARIABLES_TOTAL_MAX_BYTES, type ProjectDocument } from '@fullstackagent/charts';

type Release = NonNullable<ProjectDocument['spec']['release']>;
type Variables = Release['env'];

/**
 * `document` with the variables of the releases before it: pods of theirs may answer until the new ones do, and need what
 * they were started with whenever they start again. `before` is the release that stands. Newest first. The newest is there
 * whatever its size, which is bounded like that of any variables; older ones are left out where all together, those of the
 * release itself among them, have more than {@link VARIABLES_TOTAL_MAX_BYTES}. None where nothing runs.
 */
export function withFormerEnv(document: ProjectDocument, before: Release | undefined): ProjectDocument {
  const { release } = document.spec;
  if (release === undefined) return document;
  const after: Release = { ...release };
  delete after.formerEnv;
  const runs = document.spec.state === 'Running' && after.replicas > 0;
  const former = runs ? formerOf(before, after.env) : [];
  return {
    ...document,
    spec: {
      ...document.spec,
      release: { ...after, ...(former.length === 0 ? {} : { formerEnv: [...former] }) },
    },
  };
}

/** Nothing that runs needs them, and secrets that were taken out are not to stay on the cluster for nothing. */
export function withoutFormerEnv(spec: ProjectDocument['spec']): ProjectDocument['spec'] {
  if (spec.release?.formerEnv === undefined) return spec;
  const release = { ...spec.release };
  delete release.formerEnv;
  return { ...spec, release };
}

function formerOf(before: Release | undefined, env: Variables): readonly Variables[] {
  if (before === undefined) return [];
  const former: Variables[] = [];
  let size = sizeOf(env);
  for (const set of [before.env, ...(before.formerEnv ?? [])]) {
    if (set.length === 0 || [env, ...former].some((other) => areSame(set, other))) continue;
    size += sizeOf(set);
    if (former.length === FORMER_MAX || (former.length > 0 && size > VARIABLES_TOTAL_MAX_BYTES)) break;
    former.push(set);
  }
  return former;
}

const sizeOf = (set: Variables): number => Buffer.byteLength(JSON.stringify(set));

/** In whatever order they are. */
const areSame = (one: Variables, other: Variables): boolean => isDeepStrictEqual(sorted(one), sorted(other));

const sorted = (set: Variables): Variables => [...set].sort((a, b) => (a.name < b.name ? -1 : 1));
