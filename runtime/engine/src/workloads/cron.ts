/** When a schedule like "0 3 * * 1-5" was due last and is due next. UTC, five fields of numbers. */
export interface Schedule {
  /** The last time at or before `at`. */
  before(at: Date): Date | undefined;
  /** The first time after `at`. */
  after(at: Date): Date | undefined;
}

const LIMITS = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31 },
  { from: 1, to: 12 },
  { from: 0, to: 6 },
] as const;
const PART = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The 29th of February can be eight years away. */
const DAYS_LOOKED_AT = 8 * 366 + 1;

type Values = ReadonlySet<number>;
type FiveFields = readonly [Values, Values, Values, Values, Values];
const NONE: Values = new Set();

/** `undefined` for what is no schedule: it never comes. */
export function parseSchedule(text: string): Schedule | undefined {
  const fields = text.trim().split(/ +/);
  const sets = fields.map((field, index) => valuesOf(field, LIMITS[index]));
  if (fields.length !== LIMITS.length || sets.some(({ size }) => size === 0)) return undefined;
  const [minutes, hours, days, months, weekdays] = sets as unknown as FiveFields;
  const everyDay = fields[2]?.startsWith('*') ?? false;
  const everyWeekday = fields[4]?.startsWith('*') ?? false;
  const isDay = (day: Date): boolean => {
    if (!months.has(day.getUTCMonth() + 1)) return false;
    const ofMonth = days.has(day.getUTCDate());
    const ofWeek = weekdays.has(day.getUTCDay());
    // As every cron has it: where both are restricted, one of them is enough.
    return everyDay || everyWeekday ? ofMonth && ofWeek : ofMonth || ofWeek;
  };
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => (hour * 60 + minute) * MINUTE_MS));
  times.sort((a, b) => a - b);
  return new Times(isDay, times);
}

class Times implements Schedule {
  constructor(
    private readonly isDay: (day: Date) => boolean,
    /** Milliseconds after midnight, in order. */
    private readonly times: readonly number[],
  ) {}

  before(at: Date): Date | undefined {
    const found = this.#search(at, -1, (time) => time <= at.getTime());
    return found === undefined ? undefined : new Date(found);
  }

  after(at: Date): Date | undefined {
    const found = this.#search(at, 1, (time) => time > at.getTime());
    return found === undefined ? undefined : new Date(found);
  }

  #search(at: Date, direction: 1 | -1, fits: (time: number) => boolean): number | undefined {
    const today = at.getTime() - (at.getTime() % DAY_MS);
    for (let days = 0; days < DAYS_LOOKED_AT; days += 1) {
      const midnight = today + direction * days * DAY_MS;
      if (!this.isDay(new Date(midnight))) continue;
      const fitting = this.times.map((time) => midnight + time).filter(fits);
      const found = direction === 1 ? fitting[0] : fitting.at(-1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

interface Limits {
  readonly from: number;
  readonly to: number;
}

/** Nothing where a part is wrong. */
function valuesOf(field: string, limits: Limits | undefined): ReadonlySet<number> {
  const ranges = field.split(',').map((part) => rangeOf(part, limits));
  const values = new Set<number>();
  for (const range of ranges) {
    if (range === undefined) return NONE;
    for (let value = range.from; value <= range.to; value += range.step) values.add(value);
  }
  return values;
}

function rangeOf(part: string, limits: Limits | undefined): (Limits & { step: number }) | undefined {
  const match = PART.exec(part);
  if (match === null || limits === undefined) return undefined;
  const [, first = String(limits.from), last = endOf(match, limits), every = '1'] = match;
  const range = { from: Number(first), to: Number(last), step: Number(every) };
  const isInside = range.from >= limits.from && range.to <= limits.to && range.from <= range.to;
  return isInside && range.step > 0 ? range : undefined;
}

/** `5` is one value, `5/2` and `*` go on to the end. */
const endOf = ([, first, , every]: RegExpExecArray, { to }: Limits): string =>
  first === undefined || every !== undefined ? String(to) : first;
