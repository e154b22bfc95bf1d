import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare } from './prepare.mjs';
import { root } from './run.mjs';

/** `npm run backup`, `restore`, `reset` and `tools`. Ends the process. */
export async function care(what) {
  const [word] = process.argv.slice(2);
  await prepare({ built: true });
  const main = join(root, 'runtime', 'engine', 'dist', 'platform', 'care', 'main.js');
  const { runCare } = await import(pathToFileURL(main).href);
  // npm runs this in the repository's folder; a file is named from where the person is.
  const from = process.env['INIT_CWD'] ?? process.cwd();
  const isFile = word !== undefined && what !== 'tools';
  process.exit(await runCare(what, root, isFile ? resolve(from, word) : word));
}
