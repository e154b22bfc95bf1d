import { projectApi } from '../projects/paths.js';

export type ShareAccess = 'view' | 'write';
export type ShareAudience = 'anyone' | 'accounts';

/** The portal's answers (lib/server/terminal/share-dto.ts). */
export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly account: boolean;
  readonly joinedAt: string;
  readonly leftAt?: string;
  readonly removedAt?: string;
  readonly removedBy?: string;
  readonly online: boolean;
}

export interface Share {
  readonly id: string;
  readonly session: string;
  readonly label: string;
  readonly access: ShareAccess;
  readonly audience: ShareAudience;
  readonly sharedBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly endedAt?: string;
  readonly endedBy?: string;
  readonly active: boolean;
  readonly guests: readonly Guest[];
}

export interface ShareList {
  readonly shares: readonly Share[];
  readonly policy: ShareAudience | 'off';
}

export interface OfferedShare {
  readonly project: string;
  readonly label: string;
  readonly access: ShareAccess;
  readonly audience: ShareAudience;
  readonly sharedBy: string;
  readonly expiresAt: string;
  readonly username?: string;
  /** Said where the link was shown again: this browser is in already. */
  readonly joined?: boolean;
}

export const accessWords: Readonly<Record<ShareAccess, string>> = {
  view: 'View only',
  write: 'Can type',
};

export const audienceWords: Readonly<Record<ShareAudience, string>> = {
  anyone: 'Anyone with the link',
  accounts: 'People with an account here',
};

export const lifetimes: readonly { readonly minutes: number; readonly label: string }[] = [
  { minutes: 60, label: 'An hour' },
  { minutes: 8 * 60, label: '8 hours' },
  { minutes: 24 * 60, label: 'A day' },
  { minutes: 7 * 24 * 60, label: 'A week' },
];

export const sharesApi = (projectKey: string, id?: string): string =>
  projectApi(projectKey, id === undefined ? 'shares' : `shares/${encodeURIComponent(id)}`);

export const guestApi = (projectKey: string, share: string, guest: string): string =>
  `${sharesApi(projectKey, share)}/guests/${encodeURIComponent(guest)}`;

export const shareApi = (id: string, rest = ''): string =>
  `/api/shares/${encodeURIComponent(id)}${rest === '' ? '' : `/${rest}`}`;

/** The secret stands behind the `#`: a browser keeps that part to itself, so no server or proxy ever logs it. */
export const shareLink = (origin: string, { id, secret }: { id: string; secret: string }): string =>
  `${origin}/share/${id}#${secret}`;

/** What stands behind the `#` of a link, where it can be one. */
export const secretIn = (hash: string): string | undefined => /^#([A-Za-z0-9]{40})$/.exec(hash)?.[1];
