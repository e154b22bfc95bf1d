import { backupScheduleInput, restoreInput } from '@fullstackagent/controller/contract';
import type { Operation } from './operations.js';

const DATABASE = '/api/projects/{id}/database';
const CHANGE = 'The commit that records the change, and the project.';

/** What the public API offers about the backups of a project's database. */
export const backupOperations: readonly Operation[] = [
  {
    method: 'get',
    path: `${DATABASE}/backups`,
    summary: 'List the backups of the database, and when they are made',
    status: 200,
    answer: 'The schedule and the backups, the newest first.',
  },
  {
    method: 'post',
    path: `${DATABASE}/backups`,
    summary: 'Ask for a backup now',
    status: 202,
    answer: CHANGE,
  },
  {
    method: 'put',
    path: `${DATABASE}/backups`,
    summary: 'Set or end the schedule of backups',
    status: 200,
    answer: CHANGE,
    input: backupScheduleInput,
  },
  {
    method: 'post',
    path: `${DATABASE}/restore`,
    summary: 'Bring a backup back; what the database is now is kept as another backup',
    status: 202,
    answer: CHANGE,
    input: restoreInput,
  },
];
