import type { ProjectStatus, StatusReason } from '@fullstackagent/controller/contract';

/** `busy` breathes: something is under way and ends by itself. */
export type Tone = 'ok' | 'busy' | 'idle' | 'warn' | 'bad';

interface StatusText {
  readonly label: string;
  readonly tone: Tone;
  /** One sentence for people who do not know the word. */
  readonly meaning: string;
}

export const statusText: Readonly<Record<ProjectStatus, StatusText>> = {
  CREATING: { label: 'Creating', tone: 'busy', meaning: 'The commit is made; the sandbox is being set up.' },
  STARTING: { label: 'Starting', tone: 'busy', meaning: 'The sandbox is starting.' },
  RUNNING: { label: 'Running', tone: 'ok', meaning: 'Everything is up.' },
  UPDATING: { label: 'Updating', tone: 'busy', meaning: 'A change is being applied.' },
  STOPPING: { label: 'Stopping', tone: 'busy', meaning: 'The sandbox is stopping. Files and data stay.' },
  STOPPED: { label: 'Stopped', tone: 'idle', meaning: 'Nothing runs. Files and data are kept.' },
  TERMINATING: {
    label: 'Deleting',
    tone: 'busy',
    meaning: 'The sandbox is being taken away. Its data is kept for now.',
  },
  TERMINATED: { label: 'Deleted', tone: 'idle', meaning: 'Only the retained data is left.' },
  ERROR: { label: 'Error', tone: 'bad', meaning: 'Something does not work and needs a look.' },
  PARTIAL: { label: 'Partial', tone: 'warn', meaning: 'Some parts run and some do not.' },
};

const purgingText: StatusText = {
  label: 'Being removed for ever',
  tone: 'busy',
  meaning: 'The project goes with its data. This cannot be undone.',
};

export const textOf = (status: ProjectStatus, purging = false): StatusText =>
  purging && status !== 'ERROR' ? purgingText : statusText[status];

/** What a person can do about each reason. The message beside it says what happened. */
export const reasonAdvice: Readonly<Record<StatusReason, string>> = {
  ImageCannotBePulled:
    'Check that the sandbox image exists and that the cluster may pull it. The start is tried again by itself.',
  CrashLoop:
    'The sandbox ends again right after its start. Look at a variable changed lately, then restart it.',
  QuotaExceeded: 'Stop or delete another project, or choose a smaller size under Settings.',
  Unschedulable: 'No machine has room for this size now. Choose a smaller one under Settings, or wait.',
  ApplyFailed:
    'The last change could not be applied. What ran before goes on running; change it again or ask an operator.',
  InvalidDocument:
    'The document in git was edited and cannot be read. Its last good version goes on running.',
  DatabaseFailed: 'The database reports a failure. Restarting the project starts it again; its data stays.',
  SecretCannotBeUnsealed: 'A secret was sealed with another key. Enter it again under Environment.',
  TimedOut: 'This took longer than it should. It goes on trying; a restart often helps.',
};

/** The words announced to a screen reader when a status changes. */
export const announcement = (name: string, status: ProjectStatus, purging = false): string =>
  `${name}: ${textOf(status, purging).label}`;
