const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** "3 minutes ago", "in 2 days", "just now" (under a minute). */
export function relativeTime(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  if (unit === undefined) return seconds > 30 ? 'in a moment' : 'just now';
  return relative.format(Math.round(seconds / unit[1]), unit[0]);
}

const absolute = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const dateOnly = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

export const absoluteTime = (at: Date): string => absolute.format(at);
export const longDate = (at: Date): string => dateOnly.format(at);

/** "4 s", "3 min", "2 h". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3_600) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** Kubernetes quantities as people read them: "500m" -> "0.5 CPU", "512Mi" -> "512 MiB". */
export function cpuText(quantity: string): string {
  const cores = quantity.endsWith('m') ? Number.parseInt(quantity, 10) / 1000 : Number.parseFloat(quantity);
  return `${cores} CPU`;
}

export const bytesText = (quantity: string): string => quantity.replace(/([KMGT]i)$/, ' $1B');

export const shortId = (commit: string): string => commit.slice(0, 7);
