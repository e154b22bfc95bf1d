import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { createTokenInput } from '../accounts/access-tokens.js';
import { createTokenCodeInput, redeemTokenCodeInput } from '../accounts/token-codes.js';
import { audit } from '../accounts.js';
import { services } from '../services.js';
import { validated } from '../validated.js';
import { readJson } from './body.js';
import type { Call } from './route.js';

export async function createToken(call: Call): Promise<unknown> {
  requirePerson(call);
  const input = validated(createTokenInput, await readJson(call.event.request));
  const created = await services().tokens.create(call.user.id, input);
  audit(call.event, 'token-created', call.user.id);
  return created;
}

export async function listTokens(call: Call): Promise<unknown> {
  requirePerson(call);
  return { tokens: await services().tokens.list(call.user.id) };
}

/** What the set-up of an editor is copied with. */
export async function createTokenCode(call: Call): Promise<unknown> {
  requirePerson(call);
  const input = validated(createTokenCodeInput, await readJson(call.event.request));
  const created = await services().tokenCodes.create(call.user.id, input);
  audit(call.event, 'token-code-created', call.user.id);
  return created;
}

/** For whoever shows a code: it is all that they are known by. */
export async function redeemTokenCode(event: RequestEvent): Promise<unknown> {
  const input = validated(redeemTokenCodeInput, await readJson(event.request));
  const { limits, tokenCodes } = services();
  const address = event.getClientAddress();
  limits.address.take(address);
  const { userId, ...created } = await tokenCodes.redeem(input);
  limits.address.giveBack(address);
  audit(event, 'token-created', userId);
  return created;
}

/** What was opened with the token ends with it. */
export async function removeToken(call: Call): Promise<void> {
  requirePerson(call);
  const { tokens, live } = services();
  live.end(await tokens.remove(call.user.id, call.event.params['id'] ?? ''));
  audit(call.event, 'token-deleted', call.user.id);
}

/** A token that leaked must not be able to make others that outlive it. */
function requirePerson({ event }: Call): void {
  if (event.locals.credential?.kind !== 'session')
    throw new AppError('FORBIDDEN', 'Personal access tokens are managed in the portal, not with a token.');
}
