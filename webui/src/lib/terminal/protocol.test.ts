import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeServer,
  encodeHello,
  encodeInput,
  encodePause,
  encodeResize,
  encodeResume,
  INPUT_LIMIT,
} from './protocol.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('what the terminal sends', () => {
  it('greets with JSON and an empty credential', () => {
    expect(JSON.parse(text(encodeHello({ columns: 80, rows: 24 })))).toEqual({
      AuthToken: '',
      columns: 80,
      rows: 24,
    });
  });

  it('puts the command byte before UTF-8 input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (typed) => {
        const [bytes = Uint8Array.of(0x30)] = encodeInput(typed);
        expect(bytes[0]).toBe(0x30);
        expect(text(bytes.subarray(1))).toBe(typed);
      }),
    );
  });

  it('keeps one byte a character in binary input', () => {
    expect(encodeInput('\u001b[M\u00ff\u0080', true)).toEqual([
      Uint8Array.of(0x30, 0x1b, 0x5b, 0x4d, 0xff, 0x80),
    ]);
  });

  it('cuts a long paste into messages that the platform takes, and loses nothing of it', () => {
    const typed = 'ü日'.repeat(100_000);
    const frames = encodeInput(typed);
    expect(frames.length).toBeGreaterThan(1);
    for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(INPUT_LIMIT + 1);
    expect(text(Buffer.concat(frames.map((frame) => frame.subarray(1))))).toBe(typed);
  });

  it('sends resize, pause and resume', () => {
    expect(text(encodeResize({ columns: 132, rows: 43 }))).toBe('1{"columns":132,"rows":43}');
    expect(text(encodePause())).toBe('2');
    expect(text(encodeResume())).toBe('3');
  });
});

describe('what the server sends', () => {
  const message = (line: string): Uint8Array => new TextEncoder().encode(line);

  it('keeps output as bytes, so that half a character survives', () => {
    const euro = new TextEncoder().encode('€');
    const half = decodeServer(Uint8Array.from([0x30, ...euro.subarray(0, 2)]));
    expect(half).toEqual({ type: 'output', data: euro.subarray(0, 2) });
  });

  it.each([
    ['1my title ✓', { type: 'title', title: 'my title ✓' }],
    ['2{"fontSize":14}', { type: 'preferences', json: '{"fontSize":14}' }],
    ['S{"columns":120,"rows":40}', { type: 'size', size: { columns: 120, rows: 40 } }],
    ['S{"columns":0,"rows":40}', { type: 'unknown' }],
    ['S{', { type: 'unknown' }],
    ['9future', { type: 'unknown' }],
    ['', { type: 'unknown' }],
  ])('reads %j', (line, expected) => {
    expect(decodeServer(message(line))).toEqual(expected);
  });
});
