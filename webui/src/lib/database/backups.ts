import type { BackupDto } from '@fullstackagent/controller/contract';

/** What a backup was made for, in few words. */
export const KIND_WORDS: Readonly<Record<BackupDto['kind'], string>> = {
  scheduled: 'By the schedule',
  requested: 'On request',
  'before-restore': 'Before a restore',
  other: 'Made elsewhere',
};

/** What most people want; any other schedule is written in the document. */
export const SCHEDULES = [
  { cron: '', words: 'Never by itself' },
  { cron: '0 * * * *', words: 'Every hour' },
  { cron: '0 3 * * *', words: 'Every night at 3:00 UTC' },
  { cron: '0 3 * * 0', words: 'Every Sunday at 3:00 UTC' },
] as const;

/** One of {@link SCHEDULES}, or the schedule as it is written. */
export const scheduleWords = (cron: string): string =>
  SCHEDULES.find((schedule) => schedule.cron === cron)?.words ?? cron;
