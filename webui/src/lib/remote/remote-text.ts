import type {
  RemoteBranchDto,
  RemoteBranchState,
  RemoteDto,
  RemoteFailureDto,
} from '@fullstackagent/controller/contract';
import type { Question } from '../operations/decisions.svelte.js';

/** What the page says about a remote, in plain words. */

export type ConfiguredRemote = Extract<RemoteDto, { configured: true }>;
export type Tone = 'ok' | 'busy' | 'idle' | 'warn' | 'bad';

export const branchStates: Readonly<
  Record<RemoteBranchState, { readonly label: string; readonly tone: Tone }>
> = {
  unknown: { label: 'Not looked at yet', tone: 'idle' },
  'in-sync': { label: 'The same there', tone: 'ok' },
  ahead: { label: 'Waits to be pushed', tone: 'busy' },
  rewritten: { label: 'Rewritten there', tone: 'bad' },
  unrelated: { label: 'Another history there', tone: 'bad' },
  diverged: { label: 'Changed there', tone: 'bad' },
  protected: { label: 'Pushes refused', tone: 'warn' },
  stuck: { label: 'Cannot be merged', tone: 'bad' },
};

export function waitingText({ state, waiting }: RemoteBranchDto): string {
  if (state === 'unknown') return 'The remote has not answered since the start.';
  if (waiting === 0) return state === 'in-sync' ? 'Nothing waits.' : '';
  return waiting === 1 ? '1 commit waits to be pushed.' : `${waiting} commits wait to be pushed.`;
}

export const acknowledgeText: Readonly<Record<ConfiguredRemote['acknowledge'], string>> = {
  local: 'A change counts as made when it is durable here. The remote gets it soon after.',
  replicated: 'A change counts as made when the remote has it too.',
};

export const failureTexts: Readonly<
  Record<RemoteFailureDto['kind'], { readonly title: string; readonly advice: string }>
> = {
  unreachable: {
    title: 'The remote does not answer',
    advice:
      'Look whether the server is up and can be reached from here. With https, GITOPS_REMOTE_CA_FILE names an authority of your own.',
  },
  unauthorized: {
    title: 'The remote refuses the credentials',
    advice:
      'Put a token that may write into the file of GITOPS_REMOTE_TOKEN_FILE: it is read again each time. With ssh, look at GITOPS_REMOTE_SSH_KEY_FILE, and whether the server is in GITOPS_REMOTE_KNOWN_HOSTS_FILE.',
  },
  'not-found': {
    title: 'There is no repository at this address',
    advice:
      'Make an empty one there, let the credentials see it, or start the platform with another GITOPS_REMOTE.',
  },
  'rate-limited': {
    title: 'The remote wants to be asked less often',
    advice:
      'Nothing has to be done: it goes on when the remote allows it. GITOPS_REMOTE_PUSHES_PER_MINUTE and GITOPS_REMOTE_FETCH_SECONDS set how often it is asked.',
  },
  failed: { title: 'The remote could not be used', advice: 'What it said is above.' },
};

export const attemptsText = (attempts: number): string =>
  attempts === 1 ? 'one attempt' : `${attempts} attempts`;

/** The server's own address of a pull request; undefined where it is none that a browser should open. */
export function webAddress(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, href } = new URL(url);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}

const SOON_MS = 60_000;

/** Whether a time is so near that "in a minute" would be too long; past ones are due. */
export const isSoon = (at: string, now: Date): boolean => new Date(at).getTime() - now.getTime() < SOON_MS;

/** What an operator can decide about a branch; undefined where nothing is to be decided. */
export function decisionAbout(
  branch: 'main' | 'rendered',
  { state, there }: RemoteBranchDto,
): Question | undefined {
  if (branch === 'rendered') return state === 'diverged' ? keepRendered : undefined;
  if (state === 'unrelated') return joinBoth;
  if (state !== 'rewritten') return undefined;
  return there === undefined ? pushAgain : acceptUpstream;
}

const ACCEPT = { path: '/api/remote/accept-upstream', danger: true } as const;

const acceptUpstream: Question = {
  ...ACCEPT,
  title: 'Accept what is there?',
  text: 'main there is merged into main here: files become what they are there. Where both sides changed the same field, the value here stands and the other one becomes a proposal. The commits that were taken away there stay in the history.',
  action: 'Accept',
  done: 'Accepted. Both sides are brought together.',
};

const pushAgain: Question = {
  ...ACCEPT,
  danger: false,
  title: 'Push main there again?',
  text: 'Nothing changes here. main is made there anew, with everything that is in it here.',
  action: 'Push again',
  done: 'main is pushed there again.',
};

const joinBoth: Question = {
  ...ACCEPT,
  title: 'Join both histories?',
  text: 'One commit joins them. Files that are only there are added here, and projects among them start. Where both sides have a file and it differs, the one here stands and the other one becomes a proposal.',
  action: 'Join',
  done: 'Both histories are joined.',
};

const keepRendered: Question = {
  title: 'Keep what is rendered here?',
  text: 'The commits that were made there become part of the history of rendered, and the next push takes back what they changed. Nothing that runs here is touched.',
  action: 'Keep',
  path: '/api/remote/keep-rendered',
  done: 'What is rendered here counts.',
};
