import { join } from 'node:path';
import { GitRemote, plainProjection, type openRepository } from '@fullstackagent/controller/git';
import type { openIntentStore } from '@fullstackagent/controller/intent';
import { Sync } from '@fullstackagent/controller/remote';
import { percentile, spread, timed, type Figure } from './figures.js';
import { git } from './stock-git.js';

/** How long a batch takes to be at a remote, beside a stock `git push` of the same commits, by turns. */

const ROUNDS = 12;
const BATCH = 100;

export interface PushBench {
  readonly repository: Awaited<ReturnType<typeof openRepository>>;
  readonly store: Awaited<ReturnType<typeof openIntentStore>>;
  readonly change: () => Promise<unknown>;
  readonly folder: string;
}

export async function benchPush({ repository, store, change, folder }: PushBench): Promise<Figure[]> {
  const [ours, stock] = ['ours.git', 'stock.git'].map((name) => {
    const path = join(folder, name);
    git(path, ['init', '--quiet', '--bare', path]);
    return path;
  }) as [string, string];
  const sync = new Sync({
    repository,
    remote: new GitRemote(
      { gitDir: repository.path, searchPath: process.env['PATH'] ?? '' },
      { url: ours, user: 'nobody' },
    ),
    main: store.main,
    rendered: await repository.branch('rendered', plainProjection),
    record: () => Promise.reject(new Error('Nobody else pushes.')),
    alwaysPropose: false,
    onThere: () => undefined,
    log: console,
    now: () => new Date(),
  });
  const { signal } = new AbortController();
  const pushes: Record<'ours' | 'stock', () => Promise<unknown>> = {
    ours: () => sync.push(signal),
    stock: () => Promise.resolve(git(repository.path, ['push', '--quiet', stock, 'main'])),
  };
  await sync.look(signal);
  await pushes.ours();
  await pushes.stock();
  const times: { ours: number[]; stock: number[] } = { ours: [], stock: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all(Array.from({ length: BATCH }, change));
    const order = round % 2 === 0 ? (['ours', 'stock'] as const) : (['stock', 'ours'] as const);
    for (const who of order) times[who].push((await timed(pushes[who])).took);
  }
  return [
    ...spread(`push of ${String(BATCH)} commits`, times.ours),
    ...spread(`stock git push of the same`, times.stock),
    {
      what: 'push of a batch, over stock git push, p50',
      value: percentile(times.ours, 0.5) / percentile(times.stock, 0.5),
      unit: 'times',
      goal: 1.5,
    },
  ];
}
