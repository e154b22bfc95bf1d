/** A personal access token as the API lists it: never the token itself. */
export interface AccessToken {
  readonly id: string;
  readonly name: string;
  readonly lastFour: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly lastUsedAt?: string;
  readonly expiresAt?: string;
}

/** The answer to creating one: the only time that the token itself is there. */
export interface CreatedAccessToken extends AccessToken {
  readonly token: string;
}
