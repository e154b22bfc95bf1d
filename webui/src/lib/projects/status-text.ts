import type { ProjectStatus } from '@fullstackagent/controller/contract';

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

/** The words announced to a screen reader when a status changes. */
export const announcement = (name: string, status: ProjectStatus, purging = false): string =>
  `${name}: ${textOf(status, purging).label}`;
