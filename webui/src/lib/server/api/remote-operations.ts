import type { Operation } from './operations.js';

const REMOTE = '/api/remote';
const DECIDED = 'The commit that records the decision.';
const PROPOSAL =
  'upstream commit, author, and for each field the value that stands, the one proposed and the one before';

const command = (name: string, summary: string): Operation => ({
  method: 'post',
  path: `${REMOTE}/${name}`,
  summary: `${summary} (operators)`,
  status: 200,
  answer: 'How both sides stand afterwards.',
});

const proposals = (base: string, whose: string): Operation[] => [
  {
    method: 'get',
    path: base,
    summary: `List changes made at the remote to what was changed here too ${whose}`,
    status: 200,
    answer: `The proposals: ${PROPOSAL}.`,
  },
  {
    method: 'post',
    path: `${base}/{proposal}/accept`,
    summary: `Take over what a proposal says ${whose}`,
    status: 202,
    answer: DECIDED,
  },
  {
    method: 'post',
    path: `${base}/{proposal}/dismiss`,
    summary: `Keep what stands here ${whose}`,
    status: 202,
    answer: DECIDED,
  },
];

/** The part of the public API that is about a repository somewhere else. */
export const remoteOperations: readonly Operation[] = [
  {
    method: 'get',
    path: REMOTE,
    summary: 'Read how the repository stands to the remote (operators)',
    status: 200,
    answer:
      'Whether there is a remote; both branches, the commits that wait, the last failure and the pull request.',
  },
  command('sync', 'Fetch and push now'),
  command('accept-upstream', 'Accept a history of main that was rewritten at the remote'),
  command('keep-rendered', 'Keep what is rendered here where somebody else pushed to rendered'),
  ...proposals('/api/proposals', '(operators)'),
  ...proposals('/api/projects/{id}/proposals', 'in a project'),
];
