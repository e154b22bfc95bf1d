import { backupName } from '@fullstackagent/charts/documents';
import { z } from 'zod';

/** `POST …/database/restore`: what the database is now is kept as a backup of its own. */
export const restoreInput = z.strictObject({ backup: backupName });
export type RestoreInput = z.infer<typeof restoreInput>;

/** `PUT …/database/backups`: null for none by themselves. */
export const backupScheduleInput = z.strictObject({
  schedule: z
    .strictObject({
      /** Five fields of numbers, UTC. */
      cron: z.string(),
      keepDays: z.int().min(1, 'At least one day.').max(3650, 'At most 3650 days.'),
    })
    .nullable(),
});
export type BackupScheduleInput = z.infer<typeof backupScheduleInput>;

export interface BackupDto {
  readonly name: string;
  readonly kind: 'scheduled' | 'requested' | 'before-restore' | 'other';
  readonly state: 'running' | 'completed' | 'failed';
  /** ISO 8601; absent while nobody knows. */
  readonly startedAt?: string;
  readonly bytes?: number;
  /** Why it failed. */
  readonly message?: string;
}

export interface BackupsDto {
  /** Whether this installation makes them on request and brings them back: on one machine. */
  readonly onRequest: boolean;
  /** Whether the platform offers a schedule. */
  readonly scheduled: boolean;
  readonly schedule?: { readonly cron: string; readonly keepDays: number };
  /** The newest first. */
  readonly backups: readonly BackupDto[];
}
