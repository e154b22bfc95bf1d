import { expect, it } from 'vitest';
import { pino } from 'pino';
import { probeIsolation } from './probe.js';
it('probe', async () => {
  const t = Date.now();
  console.log(
    await probeIsolation({ path: process.env['PATH'] ?? '', log: pino(), markers: {} }),
    Date.now() - t,
  );
  expect(1).toBe(1);
});
