export { type Program, type Reach } from './attempt.js';
export { Health, type HealthOptions } from './health.js';
export { probesNotRun, probesOf, type Probe, type ProbeKind, type Probes } from './spec.js';
