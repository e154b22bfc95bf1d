import { z } from 'zod';

/** Seconds precision, UTC: what `metadata` timestamps of Kubernetes look like. */
export const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'A time is written like "2026-11-23T08:00:00Z".');
