import { z } from 'zod';

/** What the guests of a shared terminal may do: look, or type as well. */
export const shareAccess = z.enum(['view', 'write']);
export type ShareAccess = z.infer<typeof shareAccess>;
