import { z } from 'zod';

/**
 * Kubernetes quantities without fractions (`500m`, not `0.5`; `512Mi`, not `0.5Gi`). Rendering brings them into the
 * form the API server would write back, so that a second apply changes nothing.
 */
export const cpu = z
  .string()
  .regex(
    /^(?:[1-9]\d{0,2}|[1-9]\d{0,2}m)$/,
    'CPU is written like "500m" (thousandths) or "2" (whole cores).',
  );

export const bytes = z.string().regex(/^[1-9]\d{0,4}(?:Mi|Gi)$/, 'A size is written like "512Mi" or "10Gi".');
