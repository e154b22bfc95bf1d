import { loadavg } from 'node:os';
import { ISOLATIONS, type IsolationSetting } from './arguments.js';
import { portalOf, megabytes, megabytesOf, restOf } from './machine.js';
import { printFigure, printTable, spread, timed, writeFigures, type Figure } from './figures.js';
import { createUsable, StatusStream, type Created } from './projects.js';
import { pageFigures } from './terminal-page.js';
import { echoes, flood, openMany, ROOM_IN_A_SANDBOX } from './terminals.js';
import { owner } from '../support/fixtures.js';
import { Platform } from '../support/platform.js';
import type { Api } from '../support/api.js';

/** What a whole platform needs for so many projects, each with a database. */
export interface PlatformBench {
  readonly projects: number;
  /** Seconds that are looked at where nothing happens. */
  readonly rest: number;
  readonly keys: number;
  readonly terminals: number;
}

const USUAL: PlatformBench = { projects: 20, rest: 20, keys: 300, terminals: 100 };

/**
 * Figures of this machine, with sandboxes kept apart as far as it can and with plain processes. Everything goes through
 * the public API of a platform on a home folder of its own, as a browser would ask for it.
 */
export async function benchPlatform(
  settings: Partial<PlatformBench> = {},
  isolations: readonly IsolationSetting[] = ISOLATIONS,
): Promise<void> {
  const bench = { ...USUAL, ...settings };
  const columns = new Map<string, readonly Figure[]>();
  for (const isolation of isolations) {
    console.log(`\nSANDBOX_ISOLATION=${isolation}, load before: ${(loadavg()[0] ?? 0).toFixed(1)}`);
    columns.set(isolation, await benchOne(isolation, bench));
  }
  printTable(columns);
  writeFigures(
    'platform',
    [...columns].flatMap(([isolation, figures]) =>
      figures.map((figure) => ({ ...figure, what: `${figure.what} (isolation ${isolation})` })),
    ),
  );
}

async function benchOne(isolation: IsolationSetting, bench: PlatformBench): Promise<readonly Figure[]> {
  const platform = new Platform('bench', { SANDBOX_ISOLATION: isolation });
  const figures: Figure[] = [];
  const tell = (...more: readonly Figure[]): void => {
    for (const figure of more) printFigure(figure);
    figures.push(...more);
  };
  try {
    const first = await timed(() => platform.start());
    tell({ what: 'start, the first time', value: first.took / 1000, unit: 's' });
    const api = await owner(platform.url);
    const status = await StatusStream.open(api);
    tell(...(await atRest(platform.home, 'no project', bench)));
    const idle = megabytes(platform.home);

    const created: Created[] = [];
    for (let n = 0; n < bench.projects; n += 1)
      created.push(await createUsable(api, status, `One ${String(n)}`));
    tell(...startFigures(created));
    tell(...(await atRest(platform.home, `${String(bench.projects)} projects`, bench)));
    const full = megabytes(platform.home);
    const each = (full - idle) / bench.projects;
    tell({ what: 'memory, a sandbox with its database and a shell', value: each, unit: 'MB', goal: 40 });
    const ids = created.map(({ id }) => id);
    tell(...(await terminalFigures(api, platform.home, { ids, bench })));

    const { took } = await timed(() =>
      Promise.all(ids.map((_, n) => createUsable(api, status, `At once ${String(n)}`))),
    );
    const atOnce = `${String(bench.projects)} at once, until the last can be used`;
    tell({ what: atOnce, value: took / 1000, unit: 's', ...(bench.projects <= 20 ? { goal: 10 } : {}) });
    await status.close();
    await platform.stop();
    const second = await timed(() => platform.start());
    tell({
      what: `start again, ${String(2 * bench.projects)} projects`,
      value: second.took / 1000,
      unit: 's',
    });
    return figures;
  } finally {
    await platform.remove();
  }
}

function startFigures(created: readonly Created[]): readonly Figure[] {
  const of = (step: 'accepted' | 'running' | 'usable'): number[] => created.map((times) => times[step]);
  return [
    ...spread('create, accepted', of('accepted')),
    ...spread('create to RUNNING', of('running')),
    ...spread('create to a terminal and a database that answer', of('usable'), [1500, 3000]),
  ];
}

async function atRest(home: string, when: string, bench: PlatformBench): Promise<readonly Figure[]> {
  const rest = await restOf(home, bench.rest);
  for (const line of rest.most) console.log(`    ${line}`);
  const nothing = when === 'no project';
  return [
    {
      what: `memory, ${when}`,
      value: megabytes(home),
      unit: 'MB',
      ...(nothing ? { goal: 400 } : {}),
    },
    { what: `processor, ${when}`, value: rest.percent, unit: '% of a core', goal: 1 },
    { what: `wakes, ${when}`, value: rest.wakes, unit: 'a second' },
  ];
}

async function terminalFigures(
  api: Api,
  home: string,
  { ids, bench }: { readonly ids: readonly string[]; readonly bench: PlatformBench },
): Promise<readonly Figure[]> {
  const [first = ''] = ids;
  const typed = await echoes(api, first, bench.keys);
  const portal = portalOf(home);
  const before = megabytesOf(portal);
  const count = Math.min(bench.terminals, ids.length * ROOM_IN_A_SANDBOX);
  const closeAll = await openMany(api, ids, count);
  const extra = megabytesOf(portal) - before;
  closeAll();
  const flooded = await flood(api, first);
  // Fewer than usual is another figure, for which there is no goal.
  const takers = ids.length === 1 ? 'one project takes' : `${String(ids.length)} projects take`;
  const fewer = count < bench.terminals ? `, as many as ${takers}` : '';
  const many = `memory of the portal for ${String(count)} open terminals${fewer}`;
  return [
    ...spread('echo of a key', typed, [undefined, 10]),
    { what: many, value: extra, unit: 'MB', ...(fewer === '' ? { goal: 150 } : {}) },
    { what: 'output of one terminal', value: flooded.rate, unit: 'MB/s', goal: 10, atLeast: true },
    ...spread('echo of a key beside such output', flooded.echoes),
    ...(await pageFigures(api, first)),
  ];
}
