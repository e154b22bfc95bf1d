import type { BackupScheduleInput, RestoreInput } from '../contract/backups.js';
import type { Accepted, Author, ChangeRequest, IntentStore, ProjectKey } from '../model/intent.js';
import { requestBackup, requestRestore, setBackupSchedule } from './decisions/database-backups.js';

interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

/** What people ask for about the backups of a database, each as one commit on `main`. Rejects with an AppError. */
export class GitBackupChanges {
  constructor(
    private readonly deps: { readonly store: Pick<IntentStore, 'change'>; readonly now: () => Date },
  ) {}

  backUp(asked: Asked, key: ProjectKey): Promise<Accepted> {
    const decide: ChangeRequest['decide'] = (view) => requestBackup(view, key, this.deps.now());
    const subject = `Back up the database of ${key.name}`;
    return this.deps.store.change({ ...asked, action: 'database-backup', subject, project: key, decide });
  }

  restore(asked: Asked, { key, input }: { key: ProjectKey; input: RestoreInput }): Promise<Accepted> {
    const decide: ChangeRequest['decide'] = (view) =>
      requestRestore(view, key, { backup: input.backup, at: this.deps.now() });
    const subject = `Bring back the database of ${key.name}`;
    return this.deps.store.change({ ...asked, action: 'database-restore', subject, project: key, decide });
  }

  schedule(asked: Asked, { key, input }: { key: ProjectKey; input: BackupScheduleInput }): Promise<Accepted> {
    const decide: ChangeRequest['decide'] = (view) => setBackupSchedule(view, key, input);
    const subject = `Change the backups of ${key.name}`;
    return this.deps.store.change({ ...asked, action: 'database-schedule', subject, project: key, decide });
  }
}
