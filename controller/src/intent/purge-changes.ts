import { randomUUID } from 'node:crypto';
import type { ProjectDocument } from '@fullstackagent/charts';
import type { Accepted, Author, IntentStore, ProjectKey } from '../model/intent.js';
import { advancePurge, purgeProject } from './decisions/purge.js';

/** Nobody asked at this moment: the retention was over, or a step of a purge was done. */
const ITSELF: Author = { id: 'fullstackagent', name: 'FullstackAgent' };

/** The commits of a purge that follow by themselves. */
export class GitPurgeChanges {
  constructor(
    private readonly deps: { readonly store: Pick<IntentStore, 'change'>; readonly now: () => Date },
  ) {}

  expire(key: ProjectKey): Promise<Accepted> {
    return this.deps.store.change({
      author: ITSELF,
      requestId: randomUUID(),
      action: 'purge',
      subject: `Remove ${key.name}: its retention is over`,
      project: key,
      decide: (view) =>
        // Somebody may have restored it meanwhile.
        view.project(key)?.document.spec.state === 'Deleted' ? purgeProject(view, key, this.deps.now()) : [],
    });
  }

  advance(key: ProjectKey, from: NonNullable<ProjectDocument['spec']['purge']>): Promise<Accepted> {
    const what = from === 'Unprotect' ? `Remove the data of ${key.name}` : `Forget ${key.name}`;
    return this.deps.store.change({
      author: ITSELF,
      requestId: randomUUID(),
      action: 'purge',
      subject: what,
      project: key,
      decide: (view) => advancePurge(view, key, from),
    });
  }
}
