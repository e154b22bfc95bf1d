import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './folders.js';

const MODULES = join(ROOT, 'node_modules');

/**
 * Puts a package and what it needs into a workspace, where `npm install` would put it if there were a network. Sandboxes
 * do not see the folders of this machine.
 */
export function installIntoWorkspace(home: string, project: string, name: string): void {
  const volumes = join(home, 'engine', 'volumes');
  const claim = readdirSync(volumes)
    .map((namespace) => join(volumes, namespace, `${project}--workspace`))
    .find((folder) => existsSync(folder));
  if (claim === undefined) throw new Error(`${project} has no workspace in ${volumes}.`);
  const target = join(claim, 'workspace', 'node_modules');
  mkdirSync(target, { recursive: true });
  copy(name, target);
}

function copy(name: string, target: string): void {
  if (existsSync(join(target, name))) return;
  cpSync(join(MODULES, name), join(target, name), { recursive: true });
  const manifest = JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
  };
  for (const needed of Object.keys(manifest.dependencies ?? {})) copy(needed, target);
  // Of programs for many machines, those for this one.
  for (const offered of Object.keys(manifest.optionalDependencies ?? {}))
    if (existsSync(join(MODULES, offered))) copy(offered, target);
}
