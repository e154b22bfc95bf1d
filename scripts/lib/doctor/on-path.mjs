import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where administration programs are that a user's PATH may leave out. */
const OF_ADMINISTRATORS = ['/usr/sbin', '/sbin'];

/** The program's path, or `undefined`. `also`: folders beside those of the PATH. */
export function onPath(name, also = OF_ADMINISTRATORS) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...also];
  return folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** The engine looks in these folders whatever the PATH says. */
export const forEngine = (name) => onPath(name, ['/usr/sbin', '/usr/bin', '/sbin', '/bin']);

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
