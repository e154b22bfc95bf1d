import type { Workspace } from '@fullstackagent/controller/contract';

/** What a workspace begins with, as a form holds it: blank is not there. */
export interface WorkspaceValues {
  source: 'empty' | 'repository';
  url: string;
  branch: string;
  systemPrompt: string;
  gitName: string;
  gitEmail: string;
}

const EMPTY: WorkspaceValues = {
  ...{ source: 'empty', url: '', branch: '' },
  ...{ systemPrompt: '', gitName: '', gitEmail: '' },
};

export const valuesOf = ({ repository, systemPrompt = '', git = {} }: Workspace = {}): WorkspaceValues => ({
  ...EMPTY,
  ...(repository === undefined
    ? {}
    : { source: 'repository', url: repository.url, branch: repository.branch ?? '' }),
  systemPrompt,
  gitName: git.name ?? '',
  gitEmail: git.email ?? '',
});

/** An address that is wanted and not written is sent as it is, so that the server says what is missing. */
export function workspaceOf(values: WorkspaceValues): Workspace {
  const [url, branch, name, email] = [values.url, values.branch, values.gitName, values.gitEmail].map(
    (text) => text.trim(),
  ) as [string, string, string, string];
  const git = { ...(name === '' ? {} : { name }), ...(email === '' ? {} : { email }) };
  return {
    ...(values.source === 'empty' ? {} : { repository: { url, ...(branch === '' ? {} : { branch }) } }),
    ...(values.systemPrompt.trim() === '' ? {} : { systemPrompt: values.systemPrompt }),
    ...(Object.keys(git).length === 0 ? {} : { git }),
  };
}

export const isSame = (a: WorkspaceValues, b: WorkspaceValues): boolean =>
  JSON.stringify(workspaceOf(a)) === JSON.stringify(workspaceOf(b));

/** One line about it, for where the form is folded away. */
export function summaryOf(values: WorkspaceValues): string {
  const { repository, systemPrompt, git } = workspaceOf(values);
  const parts = [
    repository === undefined
      ? 'An empty workspace'
      : repository.url.replace(/^https:\/\//, '') || 'A git repository',
    ...(systemPrompt === undefined ? [] : ['a system prompt']),
    ...(git === undefined ? [] : ['a git identity']),
  ];
  return parts.join(', ');
}

/** The fields of a request that a value is in, from the outermost. */
const FIELDS: Readonly<Record<keyof WorkspaceValues, string>> = {
  source: 'workspace.repository',
  url: 'workspace.repository',
  branch: 'workspace.repository',
  systemPrompt: 'workspace.systemPrompt',
  gitName: 'workspace.git.name',
  gitEmail: 'workspace.git.email',
};

/** `mine` on top of what stands now: what was left as in `base`, and what was decided so, takes the other side's value. */
export function rebased(
  { mine, base, theirs }: Readonly<Record<'mine' | 'base' | 'theirs', WorkspaceValues>>,
  isTheirs: (field: string) => boolean,
): WorkspaceValues {
  const isGiven = (name: keyof WorkspaceValues): boolean => {
    const parts = FIELDS[name].split('.');
    return ['', ...parts.map((_, index) => parts.slice(0, index + 1).join('.'))].some(isTheirs);
  };
  const leftAlone = (name: keyof WorkspaceValues): boolean =>
    FIELDS[name] === 'workspace.repository'
      ? (['source', 'url', 'branch'] as const).every((part) => mine[part] === base[part])
      : mine[name] === base[name];
  const from = (name: keyof WorkspaceValues): WorkspaceValues =>
    leftAlone(name) || isGiven(name) ? theirs : mine;
  return {
    source: from('source').source,
    url: from('url').url,
    branch: from('branch').branch,
    systemPrompt: from('systemPrompt').systemPrompt,
    gitName: from('gitName').gitName,
    gitEmail: from('gitEmail').gitEmail,
  };
}
