import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './run.mjs';

const NOT_SOURCES = new Set(['node_modules', 'dist', 'build', '.svelte-kit', '.git', 'coverage']);

/**
 * One value for the state of these files and folders: their names, sizes and times of change, not their content, so
 * that asking takes milliseconds. Tests are left out: nothing that runs is made from them.
 */
export function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) addTo(hash, join(root, path));
  return hash.digest('hex');
}

function addTo(hash, path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    if (!path.endsWith('.test.ts')) hash.update(`${relative(root, path)}\0${stat.size}\0${stat.mtimeMs}\n`);
    return;
  }
  for (const name of readdirSync(path).sort()) {
    if (!NOT_SOURCES.has(name)) addTo(hash, join(path, name));
  }
}
