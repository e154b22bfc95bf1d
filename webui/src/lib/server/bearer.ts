import { AppError } from '@fullstackagent/controller/contract';
import type { Services } from './services.js';
import type { Credential, SessionUser } from './users.js';

export interface Found {
  readonly user: SessionUser;
  readonly credential: Credential;
}

/** Whose personal access token the header `Authorization` shows. Throws UNAUTHENTICATED for one that is not valid. */
export async function findByToken(
  { tokens }: Pick<Services, 'tokens'>,
  authorization: string,
): Promise<Found> {
  const token = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
  const found = token === undefined ? undefined : await tokens.find(token);
  if (found === undefined)
    throw new AppError(
      'UNAUTHENTICATED',
      'This access token is not valid: it was deleted, has expired, or is mistyped.',
    );
  return { user: found.user, credential: { kind: 'token', key: found.key } };
}
