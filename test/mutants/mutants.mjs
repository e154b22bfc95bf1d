import { posix } from 'node:path';
import { manifestMutants } from './manifest-mutants.mjs';

/**
 * Mistakes that would lose somebody's work or make the writer slow, each with the test that has to notice it.
 * `find` is in the file exactly once. A mutant whose file is not there yet is not counted.
 *
 * @typedef {{ name: string, file: string, find: string, replace: string, project: string, test: string }} Mutant
 */

const git = (name, file, [find, replace, test = 'src/git/power-loss']) => ({
  name,
  file: `controller/src/git/${file}`,
  find,
  replace,
  project: 'controller',
  test,
});

const unsynced = (path, mode, bytes) =>
  `disk.create(${path}, ${mode}).then(async (file) => { await file.write(Buffer.from(${bytes})); await file.close(); })`;

/** @type {Mutant[]} */
export const mutants = [
  ...manifestMutants,
  git('no fsync of the pack', 'pack-store.ts', [
    'writeNewFile(disk, { path: `${temporary}-pack`, bytes: pack, mode: READ_ONLY })',
    unsynced('`${temporary}-pack`', 'READ_ONLY', 'pack'),
  ]),
  git('no fsync of the index of the pack', 'pack-store.ts', [
    'writeNewFile(disk, { path: `${temporary}-idx`, bytes: index, mode: READ_ONLY })',
    unsynced('`${temporary}-idx`', 'READ_ONLY', 'index'),
  ]),
  git('no fsync of the ref', 'refs.ts', [
    'await writeNewFile(disk, { path: lock, bytes: content })',
    `await ${unsynced('lock', '0o644', 'content')}`,
  ]),
  git("no fsync of the packs' folder", 'pack-store.ts', ['await disk.syncDirectory(directory);', '']),
  git("no fsync of the ref's folder", 'refs.ts', ['await disk.syncDirectory(dirname(path));', '']),
  git('no fsync of the name of a new folder', 'durable.ts', [
    '    return;\n  }\n  await disk.syncDirectory(dirname(path));\n}\n\n/** A folder that may',
    '    return;\n  }\n}\n\n/** A folder that may',
  ]),
  git('no fsync of what somebody else left', 'branch-writer.ts', [
    'if (actual !== this.#state.tip) {\n      await settleNames(gitDir, disk);',
    'if (actual !== this.#state.tip) {',
  ]),
  git('the ref moves before the objects are there', 'refs.ts', ['objects?.()]', 'void objects?.()]']),
  git('acknowledge before durable', 'branch-writer.ts', [
    "return this.#swap({ next: state.tip ?? '', objects: () => store(objects) });",
    "void this.#swap({ next: state.tip ?? '', objects: () => store(objects) }).catch(() => undefined);\n    return true;",
  ]),
  git('an old pack goes before the new one is sure', 'repack.ts', [
    'await disk.syncDirectory(directory);',
    '',
  ]),
  git('repack drops what nothing refers to yet', 'maintenance.ts', [
    'await repack(this.location, this.disk);',
    "const { gitBytes } = await import('./git-process.js');\n    await gitBytes(this.location, ['repack', '-a', '-d', '-q']);",
    'src/git/repository',
  ]),
  git('repack removes packs that it did not read', 'repack.ts', [
    '    small\n      .filter(',
    '    (await packsIn(directory))\n      .filter(',
    'src/git/repack',
  ]),
  git('no compare in compare-and-swap', 'refs.ts', [
    'if (actual !== swap.expected) {',
    'if (actual === swap.next) {',
    'src/git/refs',
  ]),
  git("the ref's lock is not taken", 'refs.ts', [
    'const lock = `${path}.lock`;',
    'const lock = `${path}.${Math.random()}.lock`;',
    'src/git/refs',
  ]),
  git("the repository's lock is not taken", 'repository.ts', [
    'return await lockRepository(path);',
    'return { release: () => Promise.resolve() };',
    'src/git/repository-lock',
  ]),
  git('what was decided on an old tip is acknowledged', 'branch-writer.ts', [
    '? (await readRef(gitDir, ref)) === this.#state.tip',
    '? true',
    'src/git/branch-writer',
  ]),
  ...[
    ['drop on divergence', 'merge-upstream.ts', 'else if (here !== change.after) both.push(change);', ''],
    [
      'a merge with a remote takes the wrong side',
      'merge-upstream.ts',
      'const forUs = mergeFile({ path, base, ours, theirs });',
      'const forUs = mergeFile({ path, base, ours: theirs, theirs: ours });',
    ],
    ['what could not be merged is forgotten', 'join-main.ts', 'await record(collision,', 'void (collision,'],
    [
      'a push by force',
      '../git/remote.ts',
      '`${commit}:refs/heads/${branch}`',
      '`+${commit}:refs/heads/${branch}`',
    ],
    [
      'a rewritten history is not noticed',
      'sync.ts',
      '!(await repository.isAncestor(agreed, theirs))',
      'false',
    ],
  ].map(([name, file, find, replace]) => ({
    name,
    file: posix.join('controller/src/remote', file),
    find,
    replace,
    project: 'controller',
    test: 'src/remote/sync',
  })),
  {
    name: 'unsharded path',
    file: 'charts-src/src/documents/paths.ts',
    find: 'namespace.slice(3, 5)',
    replace: 'namespace.slice(0, 2)',
    project: 'charts',
    test: 'src/documents/paths',
  },
  {
    name: 'merge takes the wrong side',
    file: 'controller/src/intent/merge/merge-values.ts',
    find: 'return { value: ours, conflicts: [{ field, base, ours, theirs }] };',
    replace: 'return { value: theirs, conflicts: [{ field, base, ours, theirs }] };',
    project: 'controller',
    test: 'src/intent/merge/',
  },
];
