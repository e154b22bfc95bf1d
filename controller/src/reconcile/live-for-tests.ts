import { GitProjectChanges, openIntentStore } from '../intent/index.js';
import { openRepository } from '../git/index.js';
import { charts } from '../render/index.js';
import { startReconciler } from './index.js';

/**
 * Makes projects, stops and starts them until it is killed, while they are rendered; prints each acknowledged commit:
 * `live-for-tests.ts <gitDir> <PATH> <namespace> <owner>`.
 */
const [gitDir = '', searchPath = '', namespace = '', owner = ''] = process.argv.slice(2);
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const now = (): Date => new Date();
const repository = await openRepository(gitDir, { log, searchPath, staleLockMs: 20 });
const store = await openIntentStore({
  repository,
  now,
  seed: () => Promise.reject(new Error('It was there.')),
});
await startReconciler({ intent: store, repository, charts, log });
const changes = new GitProjectChanges({ store, now });
const asked = { author: { id: owner, name: 'Ada' }, requestId: `process-${process.pid}` };

async function live(lane: number): Promise<never> {
  for (let count = 0; ; count++) {
    const { commit, key } = await changes.create(asked, {
      namespace,
      input: { name: `p${lane} ${process.pid} ${count}` },
    });
    console.log(commit);
    for (const action of ['stop', 'start', 'delete'] as const)
      console.log((await changes.act(asked, { key, action })).commit);
  }
}

await Promise.all([1, 2, 3].map(live));
