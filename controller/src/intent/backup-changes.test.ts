import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDocument, type ProjectDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, OWNER, platform } from '../shared/documents-for-tests.js';
import { openForTest, stockGit, temporaryFolder } from '../shared/repository-for-tests.js';
import { GitBackupChanges, GitProjectChanges, openIntentStore } from './index.js';

const asked = { author: { id: OWNER, name: 'Ada' }, requestId: 'request-1' };
const key = { namespace: NAMESPACE, name: 'my-blog' };
const nightly = { cron: '0 3 * * *', keepDays: 14 };

interface Opened {
  readonly projects: GitProjectChanges;
  readonly backups: GitBackupChanges;
  readonly gitDir: string;
  readonly database: () => ProjectDocument['spec']['database'];
}

async function open({ offered = true, database = true } = {}): Promise<Opened> {
  const folder = await temporaryFolder();
  const [gitDir, templateFolder] = [join(folder, 'gitops.git'), join(folder, 'template')];
  await mkdir(templateFolder);
  let seconds = 0;
  const now = (): Date => new Date(Date.UTC(2026, 10, 24, 8, 0, seconds++));
  const repository = await openForTest(gitDir);
  const offering = { ...platform.spec.database, ...(offered ? { backup: {} } : {}) };
  const document = writeDocument({ ...platform, spec: { ...platform.spec, database: offering } });
  const seed = () => Promise.resolve({ templateFolder, platform: document });
  const store = await openIntentStore({ repository, now, seed });
  const projects = new GitProjectChanges({ store, now });
  await projects.createTenant(asked, { namespace: NAMESPACE, displayName: 'Ada' });
  await projects.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database } });
  return {
    projects,
    gitDir,
    backups: new GitBackupChanges({ store, now }),
    database: () => store.project(key)?.document.spec.database,
  };
}

describe('what is asked for about backups', () => {
  it('is a commit each, that says what was done', async () => {
    const { backups, gitDir, database } = await open();
    await backups.backUp(asked, key);
    const first = database()?.backupRequestedAt;
    await backups.backUp(asked, key);
    expect(first).toMatch(/^2026-11-24T08:00:\d\dZ$/);
    expect(database()?.backupRequestedAt).not.toBe(first);
    await backups.restore(asked, { key, input: { backup: 'my-blog--db-requested-1' } });
    expect(database()?.restore).toMatchObject({ backup: 'my-blog--db-requested-1' });
    await backups.schedule(asked, { key, input: { schedule: nightly } });
    expect(database()?.backup).toEqual({ schedule: '0 3 * * *', keep: { days: 14 } });
    await backups.schedule(asked, { key, input: { schedule: null } });
    expect(database()?.backup).toBeUndefined();
    const log = stockGit(
      gitDir,
      'log',
      '-4',
      '--format=%s|%(trailers:key=Action,valueonly,separator=%x2C)',
      'main',
    );
    expect(log.trim().split('\n')).toEqual([
      'Change the backups of my-blog|database-schedule',
      'Change the backups of my-blog|database-schedule',
      'Bring back the database of my-blog|database-restore',
      'Back up the database of my-blog|database-backup',
    ]);
  });

  it('is refused beside the field where a schedule is none', async () => {
    const { backups } = await open();
    const wrong = backups.schedule(asked, { key, input: { schedule: { ...nightly, cron: '0 25 * * *' } } });
    await expect(wrong).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ field: 'schedule.cron', message: expect.stringContaining('the hour is wrong') as string }],
    });
  });

  it('is refused without a database, for a deleted project, and where the platform offers no schedule', async () => {
    const without = await open({ database: false });
    await expect(without.backups.backUp(asked, key)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const unoffered = await open({ offered: false });
    const scheduled = unoffered.backups.schedule(asked, { key, input: { schedule: nightly } });
    await expect(scheduled).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
    await unoffered.projects.act(asked, { key, action: 'delete' });
    const restored = unoffered.backups.restore(asked, { key, input: { backup: 'b' } });
    await expect(restored).rejects.toMatchObject({ code: 'ACTION_NOT_ALLOWED' });
  });
});
