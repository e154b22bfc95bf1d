import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** Everything in Prometheus' text format, those of the process included, which are kept from the first call on. */
  readonly scrape: () => Promise<{ readonly type: string; readonly text: string }>;
  /** From the request's arrival to the durable commit, by action. */
  readonly accepted: Histogram<'action'>;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly statusEvents: Counter<'type'>;
  readonly streams: Gauge;
  readonly terminals: Gauge;
  readonly sshConnections: Gauge;
}

/** A registry of its own for every server, so that two in one process (tests) do not share one. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  return {
    scrape: scraping(registry),
    accepted: new Histogram({
      name: 'fullstackagent_change_accept_seconds',
      help: 'Time from a request for a change to its durable commit.',
      labelNames: ['action'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
    requests: new Counter({
      name: 'fullstackagent_http_requests_total',
      help: 'Requests by route template and status.',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    statusEvents: new Counter({
      name: 'fullstackagent_status_events_total',
      help: 'Status events published, before they are filtered for each stream.',
      labelNames: ['type'],
      registers,
    }),
    streams: new Gauge({ name: 'fullstackagent_event_streams', help: 'Open event streams.', registers }),
    terminals: new Gauge({ name: 'fullstackagent_terminals', help: 'Open terminals.', registers }),
    sshConnections: new Gauge({
      name: 'fullstackagent_ssh_connections',
      help: 'Open connections of SSH clients.',
      registers,
    }),
  };
}

/** Watching the event loop wakes the process a hundred times a second: not where nobody ever asks. */
function scraping(registry: Registry): Metrics['scrape'] {
  let watching = false;
  return async () => {
    if (!watching) collectDefaultMetrics({ register: registry });
    watching = true;
    return { type: registry.contentType, text: await registry.metrics() };
  };
}
