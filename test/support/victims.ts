import { allProcesses, type Process, processesOf } from './processes.js';

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

/** Data folders that more than one server runs on: PostgreSQL forbids it, so there must never be one. */
export function doublyServed(): readonly string[] {
  const folders = allProcesses()
    .filter(isPostmaster)
    .map(({ command }) => DATA_FOLDER.exec(command)?.[1] ?? '');
  return folders.filter((folder, index) => folders.indexOf(folder) !== index);
}

export function databaseFolders(home: string): readonly string[] {
  return processesIn(home, 'sandbox database').map(({ command }) => DATA_FOLDER.exec(command)?.[1] ?? '');
}
