import { type Process, processesOf } from './processes.js';

/** The processes of one installation, by what they are for. */
export const roles = [
  'supervisor',
  'controller',
  'engine',
  'portal',
  'portal database',
  'sandbox database',
] as const;
export type Role = (typeof roles)[number];

const DATA_FOLDER = / -D\s*(\S+)/;

/**
 * The first process of a PostgreSQL server. Its children show no `-D`; the guard beside it names the program too, but
 * is another program itself.
 */
const isPostmaster = ({ command }: Process): boolean => /^\S*\/postgres -D/.test(command);

const isPortalDatabase = (process: Process): boolean =>
  isPostmaster(process) && process.command.includes('/instances/portal/');

const recognised: Readonly<Record<Role, (process: Process) => boolean>> = {
  supervisor: ({ command }) => command.includes('scripts/start.mjs'),
  controller: ({ command }) => command.includes('controller/dist/main.js'),
  engine: ({ command }) => command.includes('runtime/engine/dist/main.js'),
  portal: ({ command }) => command.includes('webui/server.js'),
  'portal database': isPortalDatabase,
  'sandbox database': (process) => isPostmaster(process) && !isPortalDatabase(process),
};

export const processesIn = (home: string, role: Role): readonly Process[] =>
  processesOf(home).filter(recognised[role]);

const signal = (victims: readonly Process[], name: NodeJS.Signals): void => {
  for (const { pid } of victims) process.kill(pid, name);
};

/**
 * Kills what has this role and keeps it away until `work` is done: who would start it again is held meanwhile. So what
 * is seen without it does not depend on how fast it comes back.
 */
export async function without(home: string, role: Role, work: () => Promise<unknown>): Promise<void> {
  const supervisors = processesIn(home, 'supervisor');
  signal(supervisors, 'SIGSTOP');
  try {
    signal(processesIn(home, role), 'SIGKILL');
    await work();
  } finally {
    signal(supervisors, 'SIGCONT');
  }
}

/** Data folders of an installation that more than one server runs on: PostgreSQL forbids it, so there must never be one. */
export function doublyServed(home: string): readonly string[] {
  const folders = foldersOf([
    ...processesIn(home, 'sandbox database'),
    ...processesIn(home, 'portal database'),
  ]);
  return folders.filter((folder, index) => folders.indexOf(folder) !== index);
}

export const databaseFolders = (home: string): readonly string[] =>
  foldersOf(processesIn(home, 'sandbox database'));

const foldersOf = (servers: readonly Process[]): readonly string[] =>
  servers.map(({ command }) => DATA_FOLDER.exec(command)?.[1] ?? '');
