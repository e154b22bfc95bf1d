import type { RequestEvent } from '@sveltejs/kit';
import { AppError } from '@fullstackagent/controller/contract';
import { writeAudit } from '../accounts.js';
import type { ProjectKey } from '../project-key.js';
import { services } from '../services.js';
import { SHARE_COOKIE } from '../terminal/share-cookie.js';
import { offeredDto } from '../terminal/share-dto.js';
import { createShareInput, joinShareInput, previewShareInput } from '../terminal/share-input.js';
import { validated } from '../validated.js';
import { readJson } from './body.js';
import type { Call } from './route.js';

type ProjectCall = Call & { readonly key: ProjectKey };

export async function listShares({ controller, key }: ProjectCall): Promise<unknown> {
  await controller.requireTerminal(key);
  const { shares } = services();
  return { shares: await shares.list(key), policy: shares.policy };
}

export async function createShare({ event, user, controller, key }: ProjectCall): Promise<unknown> {
  const input = validated(createShareInput, await readJson(event.request));
  await controller.requireTerminal(key);
  const created = await services().shares.create(user, key, input);
  const { access } = input;
  writeAudit(event, 'terminal-shared', { share: created.id, user: user.id, ...key, access });
  return created;
}

/** What is open with it ends now. */
export async function endShare({ event, user, controller, key }: ProjectCall): Promise<void> {
  await controller.requireTerminal(key);
  const { shares, live } = services();
  const id = idOf(event);
  await shares.end(key, id, user);
  live.end(id);
  writeAudit(event, 'terminal-share-ended', { share: id, user: user.id, ...key });
}

/** Their terminal closes now, and this visit opens it no more. Everybody else stays. */
export async function removeGuest({ event, user, controller, key }: ProjectCall): Promise<void> {
  await controller.requireTerminal(key);
  const { shares, live } = services();
  const of = { share: idOf(event), guest: event.params['guest'] ?? '' };
  for (const { id, name } of await shares.removeGuest(key, of, user)) {
    live.end(id);
    writeAudit(event, 'terminal-share-guest-removed', {
      share: of.share,
      user: user.id,
      guest: name,
      ...key,
    });
  }
}

export async function previewShare(event: RequestEvent): Promise<unknown> {
  const { secret } = validated(previewShareInput, await readJson(event.request));
  const share = await bySecret(event, secret);
  await requireWelcome(event, share.id);
  const joined = await isInside(event);
  return { ...offeredDto(share, event.locals.user?.username), joined };
}

/** The secret of the link becomes a cookie for this share alone, which no script can read. */
export async function joinShare(event: RequestEvent): Promise<unknown> {
  const { secret, name } = validated(joinShareInput, await readJson(event.request));
  const share = await bySecret(event, secret);
  await requireWelcome(event, share.id);
  const { user } = event.locals;
  const { guest, token } = await services().shares.guests.admit(share, { user, name });
  event.cookies.set(SHARE_COOKIE, token, {
    path: `/api/shares/${share.id}`,
    httpOnly: true,
    sameSite: 'strict',
    secure: event.url.protocol === 'https:',
    expires: share.expiresAt,
  });
  const who = { share: share.id, user: user?.id, guest: guest.name };
  writeAudit(event, 'terminal-share-joined', { ...who, namespace: share.namespace, name: share.project });
  return offeredDto(share, user?.username);
}

/** Whether this browser has joined before, as who it is now. */
async function isInside(event: RequestEvent): Promise<boolean> {
  const found = await readShare(event).catch((error: unknown) => {
    if (error instanceof AppError && error.toProblem().status < 500) return undefined;
    throw error;
  });
  return found !== undefined;
}

/** For who has joined already: what they joined. */
export async function readShare(event: RequestEvent): Promise<unknown> {
  const { share, guest } = await services().shares.byToken(idOf(event), event.cookies.get(SHARE_COOKIE));
  if (guest.userId !== null && guest.userId !== event.locals.user?.id)
    throw new AppError('UNAUTHENTICATED', `Sign in as ${guest.name}, who joined here.`);
  return offeredDto(share, event.locals.user?.username);
}

const requireWelcome = (event: RequestEvent, share: string): Promise<void> =>
  services().shares.guests.requireWelcome(share, {
    token: event.cookies.get(SHARE_COOKIE),
    user: event.locals.user,
  });

const idOf = (event: RequestEvent): string => event.params['share'] ?? '';

/** Guessing is hopeless; asking the database for every guess is not free. */
async function bySecret(
  event: RequestEvent,
  secret: string,
): ReturnType<ReturnType<typeof services>['shares']['bySecret']> {
  const { limits, shares } = services();
  const address = event.getClientAddress();
  limits.address.take(address);
  const share = await shares.bySecret(idOf(event), secret);
  limits.address.giveBack(address);
  return share;
}
