#!/usr/bin/env node
// `node scripts/mutants.mjs`: breaks the code in known ways, one at a time, in a copy of it, and expects the test that
// guards it to turn red. `node scripts/mutants.mjs fsync` takes those whose name contains "fsync".
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mutants } from '../test/mutants/mutants.mjs';
import { prepare } from './lib/prepare.mjs';
import { lastLines, root, runQuietly, secondsSince } from './lib/run.mjs';

/** Below the repository, so that packages are found; git and the checks ignore it. */
const results = join(root, 'test', 'results');
const copied = ['controller', 'charts-src'];

/** The sources only, and what a test reads beside them. */
function copySources() {
  mkdirSync(results, { recursive: true });
  const copy = mkdtempSync(join(results, 'mutants-'));
  for (const workspace of copied)
    cpSync(join(root, workspace), join(copy, workspace), {
      recursive: true,
      filter: (path) => !/[/\\](?:dist|node_modules)$/.test(path),
    });
  cpSync(join(root, 'tsconfig.base.json'), join(copy, 'tsconfig.base.json'));
  writeFileSync(join(copy, 'vitest.config.mjs'), configuration());
  return copy;
}

const configuration = () => `const unit = (name, root) => ({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source', 'node'] } },
  test: { name, root, include: ['src/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
});
export default { test: { projects: [unit('controller', 'controller'), unit('charts', 'charts-src')] } };
`;

function runTest(copy, { project, test }) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--bail=1', '--config', join(copy, 'vitest.config.mjs'), '--project', project, test];
  return runQuietly(process.execPath, [vitest, ...args], {
    cwd: copy,
    env: { ...process.env, NO_COLOR: '1' },
  });
}

/** @returns {Promise<'killed' | 'survived' | 'does not apply'>} */
async function tryMutant(copy, mutant) {
  const file = join(copy, mutant.file);
  const before = readFileSync(file, 'utf8');
  if (before.split(mutant.find).length !== 2) return 'does not apply';
  writeFileSync(
    file,
    before.replace(mutant.find, () => mutant.replace),
  );
  try {
    const { code, output } = await runTest(copy, mutant);
    // A mutant that does not even parse proves nothing about the test.
    if (/Transform failed|No test files found|PARSE_ERROR/.test(output)) return 'does not apply';
    return code === 0 ? 'survived' : 'killed';
  } finally {
    writeFileSync(file, before);
  }
}

/** Red says something only where it was green before. */
async function redBefore(copy, chosen) {
  const guards = new Map(chosen.map((mutant) => [`${mutant.project} ${mutant.test}`, mutant]));
  for (const [guard, mutant] of guards) {
    const { code, output } = await runTest(copy, mutant);
    if (code !== 0) return `${guard} fails without any mutant:\n${lastLines(output)}`;
  }
  return undefined;
}

async function main(words) {
  const wanted = mutants.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  const chosen = wanted.filter(({ file }) => existsSync(join(root, file)));
  if (chosen.length === 0) throw new Error(`No mutant has ${words.join(' or ')} in its name.`);
  await prepare({ built: false });
  const since = performance.now();
  const copy = copySources();
  process.once('SIGINT', () => {
    rmSync(copy, { recursive: true, force: true });
    process.exit(130);
  });
  let left = 0;
  try {
    const red = await redBefore(copy, chosen);
    if (red !== undefined) {
      console.error(red);
      return 1;
    }
    for (const mutant of chosen) {
      const start = performance.now();
      const outcome = await tryMutant(copy, mutant);
      if (outcome !== 'killed') left += 1;
      console.log(`${outcome.padEnd(15)} ${mutant.name.padEnd(50)} ${mutant.test} (${secondsSince(start)})`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  console.log(`${chosen.length - left} killed, ${left} not, in ${secondsSince(since)}`);
  return left === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
