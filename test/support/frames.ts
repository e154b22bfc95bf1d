import type { Page } from 'playwright-core';

/** How smoothly a page was drawn, in milliseconds from one frame to the next. */
export interface Frames {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** Watches from now on. Answers what ends it and says how it was. */
export async function watchFrames(page: Page): Promise<() => Promise<Frames>> {
  await page.evaluate(() => {
    const gaps: number[] = [];
    let last = performance.now();
    const tick = (now: number): void => {
      gaps.push(now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    Object.assign(globalThis, { __gaps: gaps });
  });
  return async () => {
    const gaps = await page.evaluate(() => (globalThis as unknown as { __gaps: number[] }).__gaps);
    const sorted = gaps.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return { count: gaps.length, p50: at(0.5), p99: at(0.99), longest: at(1) };
  };
}
