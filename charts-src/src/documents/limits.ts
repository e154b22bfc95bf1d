import { z } from 'zod';
import { bytes, cpu } from './quantities.js';

/** A range of addresses, IPv4 or IPv6. */
export const range = z.union([z.cidrv4(), z.cidrv6()], 'A range is written like "10.0.0.0/8" or "fd00::/8".');

/** What all of a tenant's pods and volumes together may take. */
export const quota = z.strictObject({
  cpu,
  memory: bytes,
  storage: bytes,
  pods: z.int().min(1).max(1000),
  volumes: z.int().min(1).max(1000),
});

/** Labels of pods, to choose some of a namespace. */
export const podLabels = z
  .record(
    z
      .string()
      .regex(
        /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
        'This is not the name of a label.',
      ),
    z
      .string()
      .regex(/^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'This is not the value of a label.'),
  )
  .refine((labels) => Object.keys(labels).length > 0, 'At least one label chooses.');
