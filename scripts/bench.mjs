#!/usr/bin/env node
// `npm run bench`: figures of this machine, with 20 projects. `npm run bench -- 5 none` makes 5, in plain processes;
// `npm run bench -- intent` measures the git writer alone, among 100 to 100,000 projects.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare } from './lib/prepare.mjs';
import { root, runQuietly } from './lib/run.mjs';

await prepare({ built: true });
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = await runQuietly(process.execPath, [compiler, '-p', join('test', 'tsconfig.bench.json')]);
if (compiled.code !== 0) {
  console.error(compiled.output);
  process.exit(1);
}
const bench = join(root, 'test', 'dist', 'bench', 'main.js');
const child = spawn(process.execPath, [bench, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
child.once('close', (code) => process.exit(code ?? 1));
