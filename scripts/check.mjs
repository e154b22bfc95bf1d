#!/usr/bin/env node
// `npm run check`: types, lint, format, the paths the documents name, the lock file. `npm run check -- lint` runs one.
import { join } from 'node:path';
import { lockFileAddresses, missingPaths } from './lib/docs-paths.mjs';
import { prepare } from './lib/prepare.mjs';
import { root, runQuietly } from './lib/run.mjs';
import { runSteps } from './lib/steps.mjs';

const tool =
  (name, args, cwd = root) =>
  () =>
    runQuietly(process.execPath, [join(root, 'node_modules', name), ...args], { cwd });

/** A step that needs no process: a list of complaints, empty when all is well. */
const list = (complaints) => async () => {
  const lines = complaints(root);
  return { code: lines.length === 0 ? 0 : 1, output: lines.join('\n') };
};

const webui = join(root, 'webui');
const svelteSync = tool('@sveltejs/kit/svelte-kit.js', ['sync'], webui);
const svelteTypes = tool('svelte-check/bin/svelte-check', ['--fail-on-warnings', '--output', 'human'], webui);

const builds = ['charts-src', 'controller', 'runtime/engine'].map(
  (workspace) => `${workspace}/tsconfig.build.json`,
);

// What is built first is what the others' types come from; then everything, tests included; then the portal.
async function types() {
  for (const run of [tool('typescript/bin/tsc', ['-b', ...builds]), tool('typescript/bin/tsc', ['-b'])]) {
    const result = await run();
    if (result.code !== 0) return result;
  }
  return svelteTypes();
}

const steps = [
  { name: 'types', run: types },
  { name: 'lint', run: tool('eslint/bin/eslint.js', ['.', '--max-warnings', '0']) },
  { name: 'format', run: tool('prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']) },
  { name: 'docs paths', run: list(missingPaths) },
  { name: 'lock file', run: list(lockFileAddresses) },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(
    `No such check: ${unknown.join(', ')}. There are: ${steps.map((step) => step.name).join(', ')}.`,
  );
  process.exit(1);
}
const chosen = wanted.length === 0 ? steps : steps.filter((step) => wanted.includes(step.name));

await prepare({ built: false });

// Types and lint both read what SvelteKit generates.
const needsSync = chosen.some(({ name }) => name === 'types' || name === 'lint');
const before = needsSync ? [{ name: 'svelte-kit sync', run: svelteSync }] : [];
const failed = (await runSteps(before)) + (await runSteps(chosen));
console.log(failed === 0 ? 'check: all well' : `check: ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
