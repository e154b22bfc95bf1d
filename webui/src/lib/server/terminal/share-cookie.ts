/** Holds a guest's token. Its path is the share's own address: no other request carries it. */
export const SHARE_COOKIE = 'fsa_share';

/** For an upgrade, which SvelteKit does not see. A browser sends the cookie of the longest path first. */
export const shareTokenIn = (cookieHeader: string | undefined): string | undefined =>
  /(?:^|;\s*)fsa_share=([A-Za-z0-9]{40})(?:;|$)/.exec(cookieHeader ?? '')?.[1];
