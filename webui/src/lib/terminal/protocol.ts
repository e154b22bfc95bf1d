/**
 * ttyd's WebSocket protocol (subprotocol `tty`): one command byte, then the payload. The first message of the client
 * is a JSON object without a command byte.
 */
export const SUBPROTOCOL = 'tty';

const CLIENT = { input: 0x30, resize: 0x31, pause: 0x32, resume: 0x33 } as const;
/** `size` is the platform's own, for guests of a shared terminal: ttyd has no word for it. */
const SERVER = { output: 0x30, title: 0x31, preferences: 0x32, size: 0x53 } as const;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export type ServerMessage =
  | { readonly type: 'output'; readonly data: Uint8Array }
  | { readonly type: 'title'; readonly title: string }
  | { readonly type: 'preferences'; readonly json: string }
  | { readonly type: 'size'; readonly size: Size }
  | { readonly type: 'unknown' };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function frame(command: number, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(payload.length + 1);
  bytes[0] = command;
  bytes.set(payload, 1);
  return bytes;
}

/** The credential is added by the controller: a browser never holds it. */
export const encodeHello = (size: Size): Uint8Array<ArrayBuffer> =>
  encoder.encode(JSON.stringify({ AuthToken: '', columns: size.columns, rows: size.rows }));

/** The platform refuses messages above 4 MiB, and a paste may be longer. What is cut apart the pty puts together again. */
export const INPUT_LIMIT = 64 * 1024;

/** `binary`: each character is one byte (mouse reports), as xterm's `onBinary` gives it. */
export function encodeInput(data: string, binary = false): readonly Uint8Array<ArrayBuffer>[] {
  const payload = binary
    ? Uint8Array.from(data, (character) => character.charCodeAt(0) & 0xff)
    : encoder.encode(data);
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let from = 0; from < payload.length; from += INPUT_LIMIT)
    frames.push(frame(CLIENT.input, payload.subarray(from, from + INPUT_LIMIT)));
  return frames;
}

export const encodeResize = (size: Size): Uint8Array<ArrayBuffer> =>
  frame(CLIENT.resize, encoder.encode(JSON.stringify({ columns: size.columns, rows: size.rows })));

export const encodePause = (): Uint8Array<ArrayBuffer> => frame(CLIENT.pause, new Uint8Array());
export const encodeResume = (): Uint8Array<ArrayBuffer> => frame(CLIENT.resume, new Uint8Array());

/** Output stays bytes: a character may be split between two messages, and xterm puts it together again. */
export function decodeServer(bytes: Uint8Array): ServerMessage {
  const data = bytes.subarray(1);
  switch (bytes[0]) {
    case SERVER.output:
      return { type: 'output', data };
    case SERVER.title:
      return { type: 'title', title: decoder.decode(data) };
    case SERVER.preferences:
      return { type: 'preferences', json: decoder.decode(data) };
    case SERVER.size:
      return sizeIn(decoder.decode(data));
    default:
      return { type: 'unknown' };
  }
}

const isSide = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1;

function sizeIn(json: string): ServerMessage {
  try {
    const { columns, rows } = JSON.parse(json) as Partial<Record<keyof Size, unknown>>;
    if (isSide(columns) && isSide(rows)) return { type: 'size', size: { columns, rows } };
  } catch {
    // Not JSON: as unknown as any other message.
  }
  return { type: 'unknown' };
}
