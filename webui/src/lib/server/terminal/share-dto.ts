import type { Guest } from './share-guests.js';
import type { Share } from './shares.js';

export interface GuestDto {
  readonly id: string;
  readonly name: string;
  /** Whether the name is an account here, or what a guest said. */
  readonly account: boolean;
  /** RFC 3339. */
  readonly joinedAt: string;
  readonly leftAt?: string;
  readonly removedAt?: string;
  readonly removedBy?: string;
  /** Whether the terminal is open there now. */
  readonly online: boolean;
}

export interface ShareDto {
  readonly id: string;
  readonly session: string;
  readonly label: string;
  readonly access: 'view' | 'write';
  readonly audience: 'anyone' | 'accounts';
  readonly sharedBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly endedAt?: string;
  readonly endedBy?: string;
  readonly active: boolean;
  readonly guests: readonly GuestDto[];
}

/** The only answer that holds the secret itself. */
export interface CreatedShareDto extends ShareDto {
  readonly secret: string;
}

/** What a guest is told. */
export interface OfferedShareDto {
  readonly project: string;
  readonly label: string;
  readonly access: 'view' | 'write';
  readonly audience: 'anyone' | 'accounts';
  readonly sharedBy: string;
  readonly expiresAt: string;
  /** Who is signed in here. */
  readonly username?: string;
}

export function shareDto(share: Share, guests: readonly GuestDto[]): ShareDto {
  const { id, session, label, access, audience, sharedBy, endedAt, endedBy } = share;
  return {
    id,
    session,
    label,
    access,
    audience,
    sharedBy,
    guests,
    createdAt: share.createdAt.toISOString(),
    expiresAt: share.expiresAt.toISOString(),
    ...(endedAt === null ? {} : { endedAt: endedAt.toISOString() }),
    ...(endedBy === null ? {} : { endedBy }),
    active: endedAt === null && share.expiresAt.getTime() > Date.now(),
  };
}

export const guestDto = (guest: Guest, online: boolean): GuestDto => ({
  id: guest.id,
  name: guest.name,
  account: guest.userId !== null,
  joinedAt: guest.joinedAt.toISOString(),
  ...(guest.leftAt === null || online ? {} : { leftAt: guest.leftAt.toISOString() }),
  ...(guest.removedAt === null ? {} : { removedAt: guest.removedAt.toISOString() }),
  ...(guest.removedBy === null ? {} : { removedBy: guest.removedBy }),
  online,
});

export function offeredDto(share: Share, username: string | undefined): OfferedShareDto {
  const { project, label, access, audience, sharedBy } = share;
  return {
    project,
    label,
    access,
    audience,
    sharedBy,
    expiresAt: share.expiresAt.toISOString(),
    ...(username === undefined ? {} : { username }),
  };
}
