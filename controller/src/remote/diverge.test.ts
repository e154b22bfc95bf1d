import { join } from 'node:path';
import { projectPath, readProject, writeDocument } from '@fullstackagent/charts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ProposalDto } from '../contract/remote.js';
import { GitClient } from '../serve/git-client-for-tests.js';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { startGitServer } from './git-server-for-tests.js';
import { openUpstream, SIGNAL, type Upstream } from './upstream-for-tests.js';

/**
 * The portal and two people with clones change the same fields at the same time. What each commit knew of the others is
 * what git says: a value that nobody who knew it replaced has to stand, or to wait as a proposal.
 */

const PROJECTS = ['blog', 'shop'] as const;
const FIELDS = ['displayName', 'description'] as const;
type Project = (typeof PROJECTS)[number];
type Field = (typeof FIELDS)[number];

interface Edit {
  readonly project: Project;
  readonly field: Field;
}
type Step =
  | ({ readonly kind: 'portal' } & Edit)
  | ({ readonly kind: 'person'; readonly person: 0 | 1 } & Edit)
  | { readonly kind: 'fetch'; readonly person: 0 | 1 }
  | { readonly kind: 'look' | 'push' | 'round' };

const edit = { project: fc.constantFrom(...PROJECTS), field: fc.constantFrom(...FIELDS) };
const person = fc.constantFrom(0 as const, 1 as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('portal' as const), ...edit }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('person' as const), person, ...edit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fetch' as const), person }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('look' as const, 'push' as const, 'round' as const) }),
  },
);

interface Write extends Edit {
  readonly value: string;
  readonly commit: string;
}

class Run {
  readonly writes: Write[] = [];
  #count = 0;

  constructor(
    private readonly upstream: Upstream,
    private readonly clones: readonly GitClient[],
  ) {}

  async do(step: Step): Promise<void> {
    const { sync } = this.upstream;
    if (step.kind === 'portal') await this.#portal(step);
    else if (step.kind === 'person') await this.#person(step);
    else if (step.kind === 'fetch') await this.#clone(step.person).must('pull', '--quiet', '--rebase');
    else if (step.kind === 'round') await this.upstream.round();
    else await sync[step.kind](SIGNAL);
  }

  async #portal({ project, field }: Edit): Promise<void> {
    const { changes, asked } = this.upstream.installation;
    const value = `portal ${(this.#count += 1)}`;
    const key = { namespace: NAMESPACE, name: project };
    const { commit } = await changes.patch(asked, { key, input: { [field]: value } });
    this.writes.push({ project, field, value, commit });
  }

  /** On whatever the clone has; where that is too old the person rebases, and gives up where git cannot. */
  async #person({ person, project, field }: Edit & { readonly person: 0 | 1 }): Promise<void> {
    const clone = this.#clone(person);
    const value = `person ${person} ${(this.#count += 1)}`;
    await clone.commit(projectPath(NAMESPACE, project), (before) => {
      const document = readProject(before);
      return writeDocument({ ...document, spec: { ...document.spec, [field]: value } });
    });
    const push = ['push', '--quiet', 'origin', 'HEAD:main'] as const;
    if ((await clone.git(...push)).code !== 0) {
      await clone.must('fetch', '--quiet', 'origin');
      if ((await clone.git('rebase', '--quiet', 'origin/main')).code !== 0) {
        await clone.must('rebase', '--abort');
        await clone.must('reset', '--quiet', '--hard', 'origin/main');
        return;
      }
      await clone.must(...push);
    }
    const commit = await clone.must('rev-parse', 'HEAD');
    this.writes.push({ project, field, value, commit });
  }

  #clone(person: 0 | 1): GitClient {
    const clone = this.clones[person];
    if (clone === undefined) throw new Error('Nobody has this clone.');
    return clone;
  }
}

async function begin(): Promise<{ upstream: Upstream; run: Run }> {
  const upstream = await openUpstream();
  const { changes, asked, folder } = upstream.installation;
  for (const name of PROJECTS)
    await changes.create(asked, { namespace: NAMESPACE, input: { name, description: 'none' } });
  await upstream.round();
  const { url } = await startGitServer(upstream.folder, undefined);
  const clones: GitClient[] = [];
  for (const name of ['one', 'two']) {
    await new GitClient(folder, () => Promise.resolve([])).must('clone', '--quiet', url, name);
    clones.push(new GitClient(join(folder, name), () => Promise.resolve([])));
  }
  return { upstream, run: new Run(upstream, clones) };
}

/** The writes of a field that no other write of it knew. */
function unanswered({ here }: Upstream, writes: readonly Write[]): readonly Write[] {
  const isBehind = (one: Write, other: Write): boolean =>
    one.commit !== other.commit && here('merge-base', one.commit, other.commit) === one.commit;
  return writes.filter((one) => !writes.some((other) => isBehind(one, other)));
}

const isProposed = (proposals: readonly ProposalDto[], { project, field, value }: Write): boolean =>
  proposals.some(
    (proposal) =>
      proposal.project?.id === project &&
      proposal.fields.some(
        (difference) =>
          difference.field === field &&
          difference.yours?.secret === false &&
          difference.yours.value === value,
      ),
  );

it(
  'nothing that anybody changed is lost, and nothing is there that nobody wrote',
  { timeout: 180_000 },
  async () => {
    const property = fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      const { upstream, run } = await begin();
      for (const each of steps) await run.do(each);
      await upstream.round();
      const { here, there, installation, proposals } = upstream;
      expect(there('rev-parse', 'main')).toBe(here('rev-parse', 'main'));
      expect(here('fsck', '--full', '--strict', '--no-dangling')).toBe('');
      const proposed = await proposals.list();
      for (const { commit } of run.writes) expect(here('merge-base', commit, 'main')).toBe(commit);
      for (const project of PROJECTS)
        for (const field of FIELDS) {
          const writes = run.writes.filter((write) => write.project === project && write.field === field);
          const stands = installation.store.project({ namespace: NAMESPACE, name: project })?.document.spec[
            field
          ];
          const candidates = unanswered(upstream, writes);
          if (candidates.length === 0) expect(stands).toBe(field === 'description' ? 'none' : project);
          else expect(candidates.map(({ value }) => value)).toContain(stands);
          const ours = candidates.find(({ value }) => value.startsWith('portal'));
          if (ours !== undefined) expect(stands, 'what was acknowledged stands').toBe(ours.value);
          for (const other of candidates.filter(({ value }) => value !== stands))
            expect(isProposed(proposed, other), `${other.value} is proposed`).toBe(true);
        }
    });
    await fc.assert(property, { numRuns: 12 });
  },
);
