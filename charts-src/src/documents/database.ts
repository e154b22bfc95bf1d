import { z } from 'zod';
import { instant } from './instant.js';
import { backupName, objectName } from './names.js';
import { bytes } from './quantities.js';

const FIELDS = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'day of the week', from: 0, to: 6 },
] as const;

/** `*`, `5`, `1-5`, and each of the first and last with a step. */
const PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;

/** Five fields, numbers only: what every cron reads alike. The time is UTC. */
const schedule = z
  .string()
  .max(100)
  .superRefine((text, context) => {
    const fields = text.split(' ');
    const wrong =
      fields.length === FIELDS.length
        ? FIELDS.find((field, index) => !isField(fields[index] ?? '', field))?.name
        : 'number of fields';
    if (wrong !== undefined)
      context.addIssue({
        code: 'custom',
        message: `A schedule is written like "0 3 * * *" (minute, hour, day, month, day of the week); the ${wrong} is wrong.`,
      });
  });

const isField = (text: string, limits: { readonly from: number; readonly to: number }): boolean =>
  text.split(',').every((part) => isPart(part, limits));

function isPart(part: string, { from, to }: { readonly from: number; readonly to: number }): boolean {
  const match = PART.exec(part);
  if (match === null) return false;
  const [, first, last, step] = match;
  const low = first === undefined ? from : Number(first);
  const high = last === undefined ? Math.max(low, from) : Number(last);
  return low >= from && high <= to && low <= high && (step === undefined || Number(step) > 0);
}

export const databaseSchema = z.strictObject({
  engine: z.literal('postgresql'),
  version: z.string().min(1).max(16),
  storage: bytes,
  /**
   * The platform's at the time when the volume was asked for; absent: the cluster's default. Written down here because a
   * volume's class can never change, and the platform's may.
   */
  storageClass: objectName.optional(),
  preset: z.string().min(1).max(32),
  /** Absent: none are made by themselves. */
  backup: z
    .strictObject({
      schedule,
      /** KubeBlocks counts time, not backups. */
      keep: z.strictObject({ days: z.int().min(1).max(3650) }),
    })
    .optional(),
  /** A new value asks for a backup now. On one machine only: docs/adr/0013. */
  backupRequestedAt: instant.optional(),
  /** A new value brings a backup back, once. On one machine only. */
  restore: z.strictObject({ backup: backupName, requestedAt: instant }).optional(),
});
