/** Who is signed in. */
export interface SessionUser {
  /** 24 characters of a-z and 0-9, drawn once: what Tenant documents and commits name. */
  readonly id: string;
  readonly username: string;
  /** `ns-` and eight characters: the namespace that is this person's own. */
  readonly namespace: string;
  readonly operator: boolean;
}

/** What a request proved who it is with. `key` names it in memory and in the log; it is no secret. */
export interface Credential {
  readonly kind: 'session' | 'token' | 'share' | 'guest';
  readonly key: string;
}
