import { goto } from '$app/navigation';
import { api, type Failure, fieldErrors, isCode, messageOf } from '../api.js';
import { type OfferedShare, secretIn, shareApi } from './shares.js';

/** `asking`: what the link offers is known, and a name is wanted. `inside`: joined. */
type Stage = 'looking' | 'asking' | 'inside' | 'refused';

/** A guest's way from a link to a terminal. */
export class ShareVisit {
  stage = $state<Stage>('looking');
  offer = $state.raw<OfferedShare>();
  failure = $state.raw<Failure>();
  pending = $state(false);
  /** Only for somebody who has to sign in, who comes back to this page without it. */
  readonly #storageKey: string;
  readonly #id: string;
  #secret: string | undefined;
  #arrived = false;

  constructor(id: string) {
    this.#id = id;
    this.#storageKey = `fsa:share:${id}`;
  }

  /** Takes the secret out of the address, so that it is in no history, and looks what it opens. */
  async arrive(): Promise<void> {
    // The same link once more, opened on this very page, changes the part behind the # alone.
    if (this.#arrived && location.hash === '') return;
    this.#arrived = true;
    this.stage = 'looking';
    this.failure = undefined;
    this.#secret = secretIn(location.hash) ?? sessionStorage.getItem(this.#storageKey) ?? undefined;
    sessionStorage.removeItem(this.#storageKey);
    // A navigation, because replacing the address alone leaves it in the state that the router keeps in the history.
    if (location.hash !== '')
      await goto(location.pathname, { replaceState: true, noScroll: true, keepFocus: true });
    if (this.#secret !== undefined) {
      await this.#preview(this.#secret);
      return;
    }
    const joined = await api<OfferedShare>('GET', shareApi(this.#id));
    if (joined.ok) this.#enter(joined.value);
    else this.#refuse(joined.failure);
  }

  async #preview(secret: string): Promise<void> {
    const offered = await api<OfferedShare>('POST', shareApi(this.#id, 'preview'), { secret });
    if (!offered.ok) {
      this.#refuse(offered.failure);
      return;
    }
    if (offered.value.joined === true) {
      this.#enter(offered.value);
      return;
    }
    this.offer = offered.value;
    this.stage = 'asking';
  }

  /** `name` for who is not signed in. */
  async join(name: string): Promise<void> {
    if (this.pending) return;
    this.pending = true;
    const body = { secret: this.#secret, ...(this.offer?.username === undefined ? { name } : {}) };
    const joined = await api<OfferedShare>('POST', shareApi(this.#id, 'join'), body);
    this.pending = false;
    if (joined.ok) this.#enter(joined.value);
    else if (isCode(joined.failure, 'NOT_FOUND')) this.#refuse(joined.failure);
    else this.failure = joined.failure;
  }

  /** Kept in this tab while its person signs in: it must not travel in an address. */
  rememberForSignIn(): void {
    if (this.#secret !== undefined) sessionStorage.setItem(this.#storageKey, this.#secret);
  }

  get needsAccount(): boolean {
    return this.offer?.audience === 'accounts' && this.offer.username === undefined;
  }

  get nameError(): string | undefined {
    return fieldErrors(this.failure)['name'];
  }

  get message(): string | undefined {
    return this.failure === undefined || this.nameError !== undefined ? undefined : messageOf(this.failure);
  }

  #enter(offer: OfferedShare): void {
    this.#secret = undefined;
    this.failure = undefined;
    this.offer = offer;
    this.stage = 'inside';
  }

  #refuse(failure: Failure): void {
    this.failure = failure;
    this.stage = 'refused';
  }
}
