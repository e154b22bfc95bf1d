import { existsSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '../run.mjs';
import { homeFolder } from './home.mjs';
import { isProgram, onPath } from './on-path.mjs';

/** What isolated sandboxes see of a machine's programs: runtime/engine/src/isolation/layout.ts. */
const SEEN = ['/usr/', '/opt/', '/nix/', '/gnu/'];
const INSTALL = 'npm run tools -- install';

/** As the engine finds it for sandboxes: on the PATH first, then in the folder that all of them share. */
export function claude({ isolated }) {
  const about = { group: 'tools', name: 'claude' };
  const path = onPath('claude');
  if (path !== undefined && (!isolated || isSeen(path))) return { ...about, state: 'ok', says: path };
  const hidden = path === undefined ? '' : `; isolated sandboxes do not see ${path}`;
  const installed = inTheSharedFolder();
  if (installed === undefined) {
    const says = `without it terminals start with a shell alone${hidden}`;
    return { ...about, state: 'missing', says, remedy: INSTALL };
  }
  const { version, place } = installed;
  const wanted = pinned();
  const says = `version ${version} in ${place}${hidden}`;
  if (version === wanted) return { ...about, state: 'ok', says };
  return { ...about, state: 'ok', says: `${says}; ${INSTALL} replaces it by ${wanted}` };
}

/** Where sandboxes are plain processes, somebody has to have said that an agent may run so. */
export function consent({ isolated }) {
  if (isolated) return [];
  const about = { group: 'tools', name: 'claude without isolation' };
  const file = join(homeFolder(), 'engine', 'agent-consent.json');
  const given = read(file);
  if (given === undefined) {
    const says =
      'nobody has allowed it yet: it does not start by itself. Allow it in the portal, page Operations';
    return [{ ...about, state: 'missing', says }];
  }
  const says = `allowed by ${given.by.name} on ${given.at.slice(0, 10)}, until it is taken back in the portal`;
  return [{ ...about, state: 'ok', says }];
}

/** Where it is called and where it really is; this Node's own folder is given to sandboxes too. */
function isSeen(path) {
  const own = [...SEEN, '/bin/', `${dirname(dirname(process.execPath))}/`];
  return [path, realpathSync(path)].every((place) => own.some((folder) => place.startsWith(folder)));
}

function inTheSharedFolder() {
  const place = join(homeFolder(), 'engine', 'tools');
  const link = join(place, 'bin', 'claude');
  if (!isProgram(link)) return undefined;
  const version = /^\.\.\/claude\/(.+)-[0-9a-f]{8}\//.exec(readlinkSync(link))?.[1];
  return version === undefined ? undefined : { version, place };
}

const pinned = () =>
  JSON.parse(readFileSync(join(root, 'runtime', 'tools', 'package.json'), 'utf8')).dependencies[
    '@anthropic-ai/claude-code'
  ];

function read(file) {
  try {
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}
