import { benchIntent } from './intent.js';
import { benchPlatform } from './platform.js';

/**
 * Figures of this machine, printed and not judged.
 *
 *     npm run bench -- 20                   a whole platform with 20 projects of each kind
 *     npm run bench -- intent               the writer, among 100 to 100,000 projects
 *     npm run bench -- intent 100 10000     the writer, among as many as are named
 */
const [what = '10', ...rest] = process.argv.slice(2);
if (what === 'intent') await benchIntent(rest.map(Number));
else await benchPlatform(Number(what));
