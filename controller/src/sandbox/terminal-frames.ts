import type { RawData } from 'ws';
import { z } from 'zod';

/** ttyd's messages, as far as the platform looks into them: one command byte, then the payload. */

export const INPUT = 0x30;
export const RESIZE = 0x31;
export const PAUSE = 0x32;
export const RESUME = 0x33;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const side = z.int().min(1).max(2000);
const resizing = z.object({ columns: side, rows: side });

export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** The size that a resize message asks for; undefined for every other message. */
export function sizeIn(message: Buffer): Size | undefined {
  if (message[0] !== RESIZE) return undefined;
  try {
    return resizing.safeParse(JSON.parse(message.subarray(1).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

export const sizeMessage = (command: string, { columns, rows }: Size): Buffer =>
  Buffer.from(`${command}${JSON.stringify({ columns, rows })}`, 'utf8');
