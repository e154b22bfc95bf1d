import { randomUUID } from 'node:crypto';

/** A request id becomes a trailer of a commit and a field of the log: only harmless ones are taken over. */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{7,63}$/;

export const requestIdFrom = (header: string | null | undefined): string =>
  typeof header === 'string' && REQUEST_ID.test(header) ? header : randomUUID();
