import { benchIntent } from './intent.js';
import { benchPlatform, ISOLATIONS } from './platform.js';

/**
 * Figures of this machine, printed and not judged.
 *
 *     npm run bench                         a whole platform with 20 projects, isolated and not
 *     npm run bench -- 5 none               with 5 projects, in plain processes only (auto: as isolated as it can be)
 *     npm run bench -- intent               the writer, among 100 to 100,000 projects
 *     npm run bench -- intent 100 10000     the writer, among as many as are named
 */
const [what = '20', ...rest] = process.argv.slice(2);
if (what === 'intent') await benchIntent(rest.map(Number));
else {
  const asked = ISOLATIONS.filter((isolation) => rest.includes(isolation));
  await benchPlatform({ projects: Number(what) }, asked.length === 0 ? ISOLATIONS : asked);
}
