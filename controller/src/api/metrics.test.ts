import { expect, it } from 'vitest';
import { createMetrics } from './metrics.js';

it('every scrape tells of the process and of the platform, in the format it names', async () => {
  const metrics = createMetrics();
  metrics.streams.inc();
  for (const { type, text } of [await metrics.scrape(), await metrics.scrape()]) {
    expect(type).toContain('text/plain');
    expect(text).toMatch(/^process_cpu_seconds_total \d/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
    expect(text).toMatch(/^fullstackagent_event_streams 1$/m);
  }
});
