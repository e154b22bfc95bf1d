export type Source = 'stdout' | 'stderr';

/** One line of a container's output, or a part of one that is very long. */
export interface LogLine {
  /** As the kubelet writes it: RFC 3339, with nanoseconds. Empty where a full disk cut the line. */
  readonly at: string;
  readonly text: string;
  /** It ends here; otherwise the next one goes on with it. */
  readonly ends: boolean;
}

const STORED = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (?:stdout|stderr) ([FP]) (.*)$/s;

/** As container runtimes keep them, so that a person who opens the file knows what they see. */
export const stored = (source: Source, { at, text, ends }: LogLine): string =>
  `${at} ${source} ${ends ? 'F' : 'P'} ${text}\n`;

export function parsed(line: string): LogLine {
  const [, at = '', tag = 'F', text = line] = STORED.exec(line) ?? [];
  return { at, text, ends: tag === 'F' };
}

/** Milliseconds are what this process knows. */
export const stamp = (time: Date): string => time.toISOString().replace('Z', '000000Z');
