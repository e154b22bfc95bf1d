import { toast } from 'svelte-sonner';
import { api, type Failure, messageOf } from '../api.js';
import { type Guest, guestApi, type Share, type ShareList, sharesApi } from './shares.js';

const EVERY_MS = 5_000;

/** The links to a project's terminals, and who is there. */
export class ProjectShares {
  list = $state.raw<ShareList>();
  failure = $state.raw<Failure>();
  readonly #key: string;

  constructor(projectKey: string) {
    this.#key = projectKey;
  }

  get active(): readonly Share[] {
    return this.list?.shares.filter(({ active }) => active) ?? [];
  }

  /** How many others have a terminal of this project open. */
  get online(): number {
    return this.active.flatMap(({ guests }) => guests).filter(({ online }) => online).length;
  }

  /** Asks now, and again while there is a link that somebody may use. Answers what ends it. */
  watch(): () => void {
    void this.load();
    const timer = setInterval(() => {
      if (this.active.length > 0 && document.visibilityState === 'visible') void this.load();
    }, EVERY_MS);
    return () => clearInterval(timer);
  }

  async load(): Promise<void> {
    const result = await api<ShareList>('GET', sharesApi(this.#key));
    if (result.ok) this.list = result.value;
    this.failure = result.ok ? undefined : result.failure;
  }

  async end(share: Share): Promise<void> {
    const result = await api('DELETE', sharesApi(this.#key, share.id));
    if (result.ok) toast.success(`The link to “${share.label}” no longer works.`);
    else toast.error(messageOf(result.failure));
    await this.load();
  }

  async remove(share: Share, guest: Guest): Promise<void> {
    const result = await api('DELETE', guestApi(this.#key, share.id, guest.id));
    if (result.ok)
      toast.success(`${guest.name} was removed.`, {
        description: guest.account
          ? 'The link no longer works for this account.'
          : 'With the link they can still come back under another name. End it to prevent that.',
      });
    else toast.error(messageOf(result.failure));
    await this.load();
  }
}
