import { randomUUID } from 'node:crypto';
import type { PlatformDto } from '@fullstackagent/controller/contract';
import type { SignUpPolicy } from './accounts/account-store.js';
import { ControllerClient } from './controller-client.js';
import {
  signGuestToken,
  signToken,
  theDeployToken,
  thePortal,
  type ActingPerson,
  type GuestClaims,
} from './controller-token.js';
import type { SessionUser } from './users.js';

/** How long it may take until a platform that is confined now is seen as such. */
const ISOLATION_KEPT_MS = 30_000;

/** Makes clients of the one controller, each in the name of a person. */
export class Controllers {
  readonly url: string;
  readonly #key: Uint8Array;
  #isolation: { readonly value: PlatformDto['isolation']; readonly until: number } | undefined;

  constructor(url: string, key: Uint8Array) {
    this.url = url;
    this.#key = key;
  }

  clientFor(user: SessionUser, requestId: string): ControllerClient {
    return this.#client(personOf(user), requestId);
  }

  /** As a member and no more: who looks after the installation sees an app only where they belong to it. */
  clientForApp({ id, username }: Pick<SessionUser, 'id' | 'username'>): ControllerClient {
    return this.#client({ sub: id, name: username, operator: false }, randomUUID());
  }

  tokenFor(user: SessionUser): Promise<string> {
    return signToken(personOf(user), this.#key);
  }

  guestToken(claims: GuestClaims): Promise<string> {
    return signGuestToken(claims, this.#key);
  }

  readerToken(): Promise<string> {
    return signToken(theDeployToken, this.#key);
  }

  /** Never throws: a platform that does not answer is `unknown`. */
  async signUpPolicy(requestId: string): Promise<SignUpPolicy> {
    try {
      return (await this.#currentIsolation(requestId)) === 'none' ? 'first only' : 'open';
    } catch {
      return 'unknown';
    }
  }

  async #currentIsolation(requestId: string): Promise<PlatformDto['isolation']> {
    const now = Date.now();
    if (this.#isolation === undefined || this.#isolation.until <= now) {
      const { isolation } = await this.#client(thePortal, requestId).platform();
      this.#isolation = { value: isolation, until: now + ISOLATION_KEPT_MS };
    }
    return this.#isolation.value;
  }

  #client(person: ActingPerson, requestId: string): ControllerClient {
    return new ControllerClient({ baseUrl: this.url, requestId, token: () => signToken(person, this.#key) });
  }
}

const personOf = ({ id, username, operator }: SessionUser): ActingPerson => ({
  sub: id,
  name: username,
  operator,
});
