import { AppError } from '@fullstackagent/controller/contract';
import { anybody } from '$lib/server/api/route.js';

export const fallback = anybody(() => {
  throw new AppError('NOT_FOUND', 'There is nothing at this address.');
});
