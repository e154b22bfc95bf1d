import { line, round, timed } from './figures.js';
import { owner } from '../support/fixtures.js';
import { Platform } from '../support/platform.js';
import { memoryOf, processesOf } from '../support/processes.js';
import type { Api } from '../support/api.js';
import { until } from '../support/until.js';

/**
 * Figures of this machine, printed and not judged: `npm run bench -- 20` makes 20 projects, half of them with a
 * database. Everything goes through the public API of a platform on a home folder of its own.
 */
const megabytes = (home: string): number =>
  processesOf(home).reduce((sum, { pid }) => sum + memoryOf(pid), 0) / 1024 / 1024;

function printMemory(home: string): void {
  const shown = processesOf(home).map(({ pid, command }) => ({ mb: memoryOf(pid) / 1024 / 1024, command }));
  for (const { mb, command } of shown.sort((a, b) => b.mb - a.mb).slice(0, 8))
    console.log(`  ${round(mb).padStart(6)} MB  ${command.slice(0, 90)}`);
}

/** One after the other: the wait of one person on an otherwise quiet machine. */
async function createToRunning(
  api: Api,
  name: string,
  database: boolean,
): Promise<{ accepted: number; running: number }> {
  const since = performance.now();
  const { took, value } = await timed(() => api.create({ name, database }));
  await until(`${name} to run`, async () => (await api.project(value.project.id)).status === 'RUNNING', {
    every: 50,
  });
  return { accepted: took, running: performance.now() - since };
}

export async function benchPlatform(projects: number): Promise<void> {
  const platform = new Platform('bench');
  try {
    const first = await timed(() => platform.start());
    console.log(`time to ready, first start: ${round(first.took / 1000)} s`);
    const api = await owner(platform.url);
    const idle = megabytes(platform.home);
    console.log(`memory, no project: ${round(idle)} MB`);
    printMemory(platform.home);

    const plain: { accepted: number; running: number }[] = [];
    for (let n = 0; n < projects; n += 1) plain.push(await createToRunning(api, `Plain ${String(n)}`, false));
    const withPlain = megabytes(platform.home);
    const full: { accepted: number; running: number }[] = [];
    for (let n = 0; n < projects; n += 1) full.push(await createToRunning(api, `Full ${String(n)}`, true));
    const withFull = megabytes(platform.home);

    line(
      'create accepted',
      [...plain, ...full].map(({ accepted }) => accepted),
      'ms',
    );
    line(
      'create to RUNNING, sandbox',
      plain.map(({ running }) => running),
      'ms',
    );
    line(
      'create to RUNNING, sandbox and database',
      full.map(({ running }) => running),
      'ms',
    );
    console.log(`memory, each sandbox: ${round((withPlain - idle) / projects)} MB`);
    console.log(`memory, each sandbox with a database: ${round((withFull - withPlain) / projects)} MB`);

    await platform.stop();
    const second = await timed(() => platform.start());
    console.log(
      `time to ready, second start with ${String(2 * projects)} projects: ${round(second.took / 1000)} s`,
    );
  } finally {
    await platform.remove();
  }
}
