import { documentAt, type DocumentRef, type TenantDocument } from '@fullstackagent/charts';
import type { TokenClaims } from '../contract/token.js';
import { storedDocument, type GoodDocument, type StoredDocument } from '../intent/documents.js';
import { mergeFile } from '../intent/merge/index.js';
import type { Edit, IntentView } from '../model/intent.js';
import { projectProblems } from './judge-project.js';
import type { PushedFile } from './pushed-change.js';
import { PushRefused } from './refusal.js';

export type Pusher = Pick<TokenClaims, 'sub' | 'operator'>;

type Role = TenantDocument['spec']['members'][number]['role'];

/**
 * What a push would write, against the documents as they stand. Synchronous: nothing comes between this and the commit.
 * Throws {@link PushRefused} with a line for each thing that is wrong, in all files.
 */
export function judgePush(view: IntentView, pusher: Pusher, files: readonly PushedFile[]): readonly Edit[] {
  const hosts = new Set<string>();
  const verdicts = files.map((file) => judgeFile({ view, pusher, hosts }, file));
  const problems = verdicts.flatMap(({ problems: found }) => found);
  if (problems.length > 0) throw new PushRefused(problems);
  return verdicts.flatMap(({ edits }) => edits);
}

interface Court {
  readonly view: IntentView;
  readonly pusher: Pusher;
  /** Hosts that new projects of this push ask for. */
  readonly hosts: Set<string>;
}

interface Verdict {
  readonly problems: readonly string[];
  readonly edits: readonly Edit[];
}

function judgeFile(court: Court, file: PushedFile): Verdict {
  const { path } = file;
  const ref = documentAt(path);
  const early = permissionProblem(court, path, ref) ?? (ref && removalProblem(file, ref));
  if (early !== undefined) return refused(path, [early]);
  const broken = ref === undefined ? [] : issuesOf(read(path, file.theirs));
  if (broken.length > 0) return refused(path, broken);
  const { content, conflicts } = mergeFile(file);
  if (conflicts.length > 0)
    return refused(
      path,
      conflicts.map(
        ({ field }) =>
          `${field === '' ? '' : `${field}: `}changed on main meanwhile, in another way. Fetch, merge and push again.`,
      ),
    );
  const merged = ref === undefined ? undefined : read(path, content);
  const problems = [...issuesOf(merged), ...documentProblems(court, merged)];
  if (problems.length > 0) return refused(path, problems);
  return { problems: [], edits: content === file.ours ? [] : [{ path, content }] };
}

const refused = (path: string, problems: readonly string[]): Verdict => ({
  problems: problems.map((problem) => `${path}: ${problem}`),
  edits: [],
});

const read = (path: string, text: string | null): StoredDocument | undefined =>
  text === null ? undefined : storedDocument({ path, blob: '', text });

const issuesOf = (document: StoredDocument | undefined): readonly string[] =>
  document?.kind === 'Unreadable'
    ? document.issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
    : [];

/** By the members that `main` names, not by those of the push: nobody makes themselves a member. */
function permissionProblem(
  { view, pusher }: Court,
  path: string,
  ref: DocumentRef | undefined,
): string | undefined {
  if (ref === undefined) return otherFileProblem(pusher, path);
  if (ref.kind === 'Platform')
    return pusher.operator ? undefined : 'only operators of the installation change the platform.';
  const role = roleIn(view, pusher, ref.namespace);
  if (ref.kind === 'Tenant')
    return role === 'owner' || pusher.operator
      ? undefined
      : `only owners of ${ref.namespace} and operators change its members.`;
  return role === 'owner' || role === 'maintainer'
    ? undefined
    : `only owners and maintainers of ${ref.namespace} change its projects.`;
}

function otherFileProblem({ operator }: Pusher, path: string): string | undefined {
  if (!operator) return 'only operators change files that are no documents of a namespace.';
  return /^tenants\//i.test(path)
    ? 'nothing is read from this path: see README.md for where documents lie.'
    : undefined;
}

const roleIn = (view: IntentView, { sub }: Pusher, namespace: string): Role | undefined =>
  view.tenant(namespace)?.document.spec.members.find(({ user }) => user === sub)?.role;

const REMOVALS: Readonly<Record<DocumentRef['kind'], string>> = {
  Platform: 'the platform cannot do without it.',
  Tenant: 'a namespace is not removed by a push.',
  Project:
    'a project is not deleted by removing its document. Set state: Deleted and deletedAt; to remove it for ever, ask the portal.',
};

const removalProblem = ({ theirs }: PushedFile, { kind }: DocumentRef): string | undefined =>
  theirs === null ? REMOVALS[kind] : undefined;

function documentProblems({ view, hosts }: Court, document: StoredDocument | undefined): readonly string[] {
  return isProject(document) ? projectProblems(view, hosts, document.document) : [];
}

const isProject = (
  document: StoredDocument | undefined,
): document is Extract<GoodDocument, { kind: 'Project' }> => document?.kind === 'Project';
