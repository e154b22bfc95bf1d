import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowControl, WATERMARKS } from './flow-control.js';

function recorded(): { flow: FlowControl; sent: string[] } {
  const sent: string[] = [];
  const flow = new FlowControl({ pause: () => sent.push('pause'), resume: () => sent.push('resume') });
  return { flow, sent };
}

describe('FlowControl', () => {
  it('pauses once above the high mark and resumes once below the low one', () => {
    const { flow, sent } = recorded();
    flow.received(WATERMARKS.high);
    expect(sent).toEqual([]);
    flow.received(1);
    flow.received(1);
    expect(sent).toEqual(['pause']);
    flow.drawn(WATERMARKS.high - WATERMARKS.low);
    expect(sent).toEqual(['pause']);
    flow.drawn(3);
    flow.drawn(1);
    expect(sent).toEqual(['pause', 'resume']);
  });

  it('takes turns and ends resumed when everything is drawn, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -200_000, max: 200_000 })), (steps) => {
        const { flow, sent } = recorded();
        let waiting = 0;
        for (const step of steps) {
          const bytes = step < 0 ? Math.min(-step, waiting) : step;
          waiting += step < 0 ? -bytes : bytes;
          if (step < 0) flow.drawn(bytes);
          else flow.received(bytes);
        }
        flow.drawn(waiting);
        expect(sent.every((signal, index) => signal === (index % 2 === 0 ? 'pause' : 'resume'))).toBe(true);
        expect(sent.length % 2).toBe(0);
      }),
    );
  });

  it('can pause again after a reconnect', () => {
    const { flow, sent } = recorded();
    flow.received(WATERMARKS.high + 1);
    flow.reconnected();
    flow.received(1);
    expect(sent).toEqual(['pause', 'pause']);
  });
});
