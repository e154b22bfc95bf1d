import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alone } from './lock.mjs';
import { lastLines, Problem, root, runQuietly, secondsSince } from './run.mjs';
import { fingerprint } from './sources.mjs';

const stampFile = join(root, '.build-stamp');
const shared = ['package-lock.json', 'tsconfig.base.json'];

/** Without the tests: one that is being written never keeps the product from starting. */
const compile = (...workspaces) => [
  join('node_modules', 'typescript', 'bin', 'tsc'),
  '-b',
  // Types are checked by `npm run check`, which is where a mistake in them belongs: here it would triple the time.
  '--noCheck',
  ...workspaces.map((workspace) => join(workspace, 'tsconfig.build.json')),
];

/**
 * The parts, in layers: each layer waits for the one before, inside a layer all run at the same time. The portal reads
 * the controller's contract as it was built. `sources` are what a part is made from, `outputs` what has to be there.
 */
const layers = [
  [
    {
      name: 'controller',
      sources: ['charts-src', 'controller', ...shared],
      outputs: ['charts-src/dist/index.js', 'controller/dist/main.js', 'controller/dist/contract/index.js'],
      command: compile('charts-src', 'controller'),
    },
  ],
  [
    {
      name: 'engine',
      sources: ['runtime/engine', ...shared],
      outputs: ['runtime/engine/dist/main.js', 'runtime/engine/dist/platform/main.js'],
      command: compile('runtime/engine'),
    },
    {
      name: 'portal',
      sources: ['webui', 'controller/src/contract', 'charts-src/src', ...shared],
      outputs: ['webui/build/handler.js'],
      command: [join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'],
      folder: 'webui',
    },
  ],
];

/** Builds what is not there or older than its sources. `before` is asked when something is to be written. */
export async function build({ say, before }) {
  const stamps = readStamps();
  if (layers.flat().every((part) => isCurrent(part, stamps))) return;
  before();
  await alone({ say }, () => buildStale(say));
}

async function buildStale(say) {
  // Read again: whoever was waited for may have built it.
  const stamps = readStamps();
  const since = performance.now();
  let announced = false;
  for (const layer of layers) {
    const stale = layer.filter((part) => !isCurrent(part, stamps));
    if (stale.length === 0) continue;
    if (!announced) say('Building …');
    announced = true;
    await buildTogether(stale, stamps);
  }
  if (announced) say(`Built in ${secondsSince(since)}.`);
}

async function buildTogether(parts, stamps) {
  // Taken before, so that a file saved meanwhile is built next time; gone while building, so that an interrupted
  // build is done again.
  const prints = parts.map((part) => fingerprint(part.sources));
  for (const part of parts) stamps.delete(part.name);
  writeStamps(stamps);
  const results = await Promise.all(parts.map(buildOne));
  results.forEach((result, index) => {
    if (result.code === 0) stamps.set(parts[index].name, prints[index]);
  });
  writeStamps(stamps);
  const failed = parts.filter((_part, index) => results[index].code !== 0);
  if (failed.length === 0) return;
  const reports = failed.map((part) => {
    const { output } = results[parts.indexOf(part)];
    return `The ${part.name} cannot be built. What the compiler said last:\n${lastLines(output)}`;
  });
  throw new Problem(reports.join('\n'));
}

async function buildOne(part) {
  const options = {
    cwd: join(root, part.folder ?? '.'),
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0' },
  };
  // A compiler that trusts its own notes does not look whether its output is still there.
  const force = part.command.includes('-b') && !hasOutputs(part) ? ['--force'] : [];
  const result = await runQuietly(process.execPath, [...part.command, ...force], options);
  if (result.code !== 0 || hasOutputs(part)) return result;
  const missing = part.outputs.filter((path) => !existsSync(join(root, path)));
  return { code: 1, output: `${result.output}\nNot there after the build: ${missing.join(', ')}` };
}

function isCurrent(part, stamps) {
  return hasOutputs(part) && stamps.get(part.name) === fingerprint(part.sources);
}

function hasOutputs(part) {
  return part.outputs.every((path) => existsSync(join(root, path)));
}

function readStamps() {
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(stampFile, 'utf8'))));
  } catch {
    return new Map();
  }
}

function writeStamps(stamps) {
  const temporary = `${stampFile}.${process.pid}`;
  try {
    writeFileSync(temporary, JSON.stringify(Object.fromEntries(stamps)));
    renameSync(temporary, stampFile);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new Problem(`The folder ${root} cannot be written: ${error.message}`);
  }
}
