/** ttyd's wire protocol: one ASCII digit, then the payload; binary frames both ways. */

export type ClientMessage =
  | { readonly type: 'open'; readonly authToken: string; readonly size: Size | undefined }
  | { readonly type: 'input'; readonly data: Buffer }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' };

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

const MAX_SIDE = 1000;

/** Undefined for anything that is not a message of the protocol. */
export function decode(frame: Buffer): ClientMessage | undefined {
  switch (frame[0]) {
    case 0x30:
      return { type: 'input', data: frame.subarray(1) };
    case 0x31: {
      const size = sizeOf(json(frame.subarray(1)));
      return size === undefined ? undefined : { type: 'resize', size };
    }
    case 0x32:
      return { type: 'pause' };
    case 0x33:
      return { type: 'resume' };
    case 0x7b: {
      const value = json(frame);
      const token = value?.['AuthToken'];
      return value === undefined
        ? undefined
        : { type: 'open', authToken: typeof token === 'string' ? token : '', size: sizeOf(value) };
    }
    default:
      return undefined;
  }
}

export const output = (data: Buffer): Buffer => Buffer.concat([Buffer.from('0'), data]);
export const title = (text: string): Buffer => Buffer.from(`1${text}`);
export const preferences = (options: Readonly<Record<string, unknown>>): Buffer =>
  Buffer.from(`2${JSON.stringify(options)}`);

function json(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function sizeOf(value: Readonly<Record<string, unknown>> | undefined): Size | undefined {
  const columns = side(value?.['columns']);
  const rows = side(value?.['rows']);
  return columns === undefined || rows === undefined ? undefined : { columns, rows };
}

const side = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 ? Math.min(value, MAX_SIDE) : undefined;
