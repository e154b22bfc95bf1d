import { duration } from '../format.js';

/** "40 s", "1 min 20 s", "2 h": to the second where somebody watches it pass. */
export function elapsedText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60 || whole >= 3_600) return duration(whole);
  const rest = whole % 60;
  return `${Math.floor(whole / 60)} min${rest === 0 ? '' : ` ${rest} s`}`;
}

/** The two clocks may differ: what begins in the future has just begun. */
export const secondsSince = (since: string, now: number): number =>
  Math.max(0, (now - Date.parse(since)) / 1000);
