import { cpSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRepository, plainProjection, type RepositoryOptions } from '@fullstackagent/controller/git';
import { openIntentStore } from '@fullstackagent/controller/intent';
import { percentile, printFigure, series, spread, timed, writeFigures, type Figure } from './figures.js';
import { manyProjects, projectText, tenantPathOf, tenantText, type ManyProject } from './many-projects.js';
import { benchPush } from './push.js';
import { commitWithPlumbing, durableFile, FastImport, git, packedSize, removeFolder } from './stock-git.js';

/** How long a change takes to be durable among many projects, beside what a disk and a stock git take for it. */

const SIZES = [100, 1_000, 10_000, 100_000];
const CHANGES = 300;
const WARM_UP = 40;
const STOCK_COMMITS = 20;
/** The least that a durable change could be: one file of this size, and its name. */
const FLOOR_BYTES = Buffer.alloc(2_048, 'x');
const WRITERS = 100;
const CONCURRENT_COMMITS = 3_000;
/** The size at which everything that is not about size is measured. */
const USUAL = 10_000;

const options: RepositoryOptions = {
  log: { warn: (context, message) => console.warn(message, context) },
  searchPath: process.env['PATH'] ?? '',
};
const portal = { name: 'Bench', email: 'bench@example.com', at: new Date() };
type Store = Awaited<ReturnType<typeof openIntentStore>>;
type Repository = Awaited<ReturnType<typeof openRepository>>;

class Report {
  readonly figures: Figure[] = [];

  add(...figures: readonly Figure[]): void {
    for (const figure of figures) printFigure(figure);
    this.figures.push(...figures);
  }
}

export async function benchIntent(wanted: readonly number[]): Promise<void> {
  const sizes = wanted.length === 0 ? SIZES : wanted;
  const folder = mkdtempSync(join(tmpdir(), 'fsa-bench-'));
  const report = new Report();
  try {
    const medians = new Map<number, number>();
    for (const size of sizes) medians.set(size, await benchSize(report, folder, size));
    const [smallest = 0, largest = 0] = [sizes[0], sizes.at(-1)].map((size) => medians.get(size ?? 0) ?? 0);
    const what = `p50 among ${String(sizes.at(-1))}, over p50 among ${String(sizes[0])}`;
    report.add({ what, value: largest / smallest, unit: 'times', goal: 1.5 });
    writeFigures('intent', report.figures);
  } finally {
    await removeFolder(folder);
  }
}

/** The median of a durable change. */
async function benchSize(report: Report, folder: string, size: number): Promise<number> {
  const gitDir = join(folder, `${String(size)}.git`);
  const projects = manyProjects(size);
  await fill(gitDir, projects);
  const among = `among ${size.toLocaleString('en')}`;
  const { took, value: opened } = await timed(() => openStore(gitDir));
  const usual = size === USUAL;
  report.add({
    what: `cold start ${among}`,
    value: took / 1000,
    unit: 's',
    ...(usual ? { goal: 3 } : {}),
  });
  const change = changer(opened.store, projects);
  await series(WARM_UP, change);
  const floor: number[] = [];
  const times: number[] = [];
  // By turns, so that both meet the same machine: what else runs on it changes from one second to the next.
  for (let pair = 0; pair < CHANGES; pair += 1) {
    floor.push(...(await series(1, () => durableFile(folder, FLOOR_BYTES))));
    times.push(...(await series(1, change)));
  }
  report.add(...spread(`the disk alone, by turns with changes ${among}`, floor));
  report.add(...spread(`durable change ${among}`, times, usual ? [5, 15] : []));
  if (usual) await benchWriters(report, change);
  if (usual) report.add(...(await benchPush({ ...opened, change, folder })));
  await opened.close();
  await benchStock(report, { gitDir, projects, among });
  if (usual) await benchGrowth(report, gitDir, projects);
  await removeFolder(gitDir);
  return percentile(times, 0.5);
}

/** One commit with everything: only what comes after it is measured. */
async function fill(gitDir: string, projects: readonly ManyProject[]): Promise<void> {
  const repository = await openRepository(gitDir, options);
  const main = await repository.branch('main', plainProjection);
  const namespaces = [...new Set(projects.map(({ namespace }) => namespace))];
  const edits = [
    { path: 'platform.yaml', content: readFileSync(join('charts-src', 'golden', 'platform.yaml'), 'utf8') },
    ...namespaces.map((namespace) => ({ path: tenantPathOf(namespace), content: tenantText(namespace) })),
    ...projects.map((project) => ({ path: project.path, content: projectText(project, 0) })),
  ];
  await main.submit(() => ({ author: portal, committer: portal, message: 'Fill the repository', edits }));
  await repository.close();
}

interface Opened {
  readonly repository: Repository;
  readonly store: Store;
  readonly close: () => Promise<void>;
}

async function openStore(gitDir: string): Promise<Opened> {
  const repository = await openRepository(gitDir, options);
  const seed = (): Promise<never> => Promise.reject(new Error('The repository is filled.'));
  const store = await openIntentStore({ repository, now: () => new Date(), seed });
  return { repository, store, close: () => repository.close() };
}

let run = 0;

/** Changes one project after the other, far apart from each other. */
function changer(store: Store, projects: readonly ManyProject[]): () => Promise<unknown> {
  return () => {
    run += 1;
    const project = projects[(run * 7_919) % projects.length] ?? projects[0];
    if (project === undefined) throw new Error('There is no project.');
    const content = projectText(project, run);
    return store.change({
      author: { id: 'owner00001', name: 'Ada' },
      action: 'rename',
      subject: `Rename ${project.name}`,
      project: { namespace: project.namespace, name: project.name },
      requestId: `bench-${String(run)}`,
      decide: () => [{ path: project.path, content }],
    });
  };
}

async function benchWriters(report: Report, change: () => Promise<unknown>): Promise<void> {
  const each = CONCURRENT_COMMITS / WRITERS;
  const { took } = await timed(() =>
    Promise.all(Array.from({ length: WRITERS }, () => series(each, change))),
  );
  report.add({
    what: `${String(WRITERS)} writers at the same time`,
    value: (1000 * CONCURRENT_COMMITS) / took,
    unit: 'commits/s',
    goal: 1_000,
    atLeast: true,
  });
}

interface Filled {
  readonly gitDir: string;
  readonly projects: readonly ManyProject[];
  readonly among: string;
}

/** On a copy, so that neither finds what the other left. */
async function benchStock(report: Report, { gitDir, projects, among }: Filled): Promise<void> {
  const copy = `${gitDir}-stock`;
  cpSync(gitDir, copy, { recursive: true });
  git(copy, ['repack', '-a', '-d', '-q']);
  git(copy, ['read-tree', 'refs/heads/main']);
  const projectAt = (run: number): ManyProject => projects[(run * 7_919) % projects.length] as ManyProject;
  const plumbing = await series(STOCK_COMMITS, (run) => {
    commitWithPlumbing(copy, projectAt(run).path, projectText(projectAt(run), -1 - run));
    return Promise.resolve();
  });
  report.add(...spread(`stock git, six commands, ${among}`, plumbing));
  const importer = new FastImport(copy);
  const text = (run: number): string => projectText(projectAt(run), -1_000 - run);
  const imported = await series(STOCK_COMMITS, (run) => importer.commit(projectAt(run).path, text(run)));
  await importer.close();
  report.add(...spread(`stock git, fast-import with a checkpoint each, ${among}`, imported));
  await removeFolder(copy);
}

async function benchGrowth(report: Report, gitDir: string, projects: readonly ManyProject[]): Promise<void> {
  const before = packedSize(gitDir);
  const opened = await openStore(gitDir);
  const change = changer(opened.store, projects);
  const commits = 1_000;
  // In groups as they come, ten people at a time.
  await Promise.all(Array.from({ length: 10 }, () => series(commits / 10, change)));
  await opened.close();
  const growth = (packedSize(gitDir) - before) / commits;
  report.add({ what: 'growth a commit, after a repack', value: growth, unit: 'bytes', goal: 1_024 });
}
