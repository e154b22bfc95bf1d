import { AppError, type AppDto } from '@fullstackagent/controller/contract';
import type { SessionUser } from '../users.js';
import { AppPasses, PASS_SECONDS, type AppPass } from './passes.js';

/** In the address that leads from the portal to an app. */
export const TICKET = 'fsa-ticket';

export interface AppAccessDeps {
  readonly secret: Uint8Array;
  /** Asks the controller in this person's name. Throws NOT_FOUND or FORBIDDEN where they may not see it. */
  readonly app: (person: Pick<SessionUser, 'id' | 'username'>, label: string) => Promise<AppDto>;
  /** When a session ends; undefined for one that is over. */
  readonly sessionEnd: (key: string) => Promise<Date | undefined>;
  readonly now?: () => number;
}

export type AppAnswer =
  { readonly status: 204; readonly cookie?: string } | { readonly status: 401 } | { readonly status: 403 };

export interface Question {
  /** `X-Original-URL`: what the request is for, whole. */
  readonly original: string | null;
  /** The request's own `Cookie` header. */
  readonly cookies: string | null;
}

export interface Visitor {
  readonly user: Pick<SessionUser, 'id' | 'username'>;
  /** Names their session. */
  readonly session: string;
}

/** A page loads a hundred files: what was found out stands for a moment. */
const STANDS_MS = 10_000;
const REMEMBERED_MAX = 10_000;

/**
 * Who may see an app that is for members. An app's host never gets the portal's session: whoever works in a sandbox could
 * take it from there. It gets a pass for itself, by way of a ticket.
 */
export class AppAccess {
  readonly #passes: AppPasses;
  readonly #now: () => number;
  /** Origin and pass -> until when they need not be looked at again. */
  readonly #stands = new Map<string, number>();

  constructor(private readonly deps: AppAccessDeps) {
    this.#passes = new AppPasses(deps.secret);
    this.#now = deps.now ?? Date.now;
  }

  /** For the ingress (`auth-url`). Throws where the controller cannot be asked: nobody passes on a guess. */
  async answer({ original, cookies }: Question): Promise<AppAnswer> {
    const url = urlOf(original);
    if (url === undefined) return { status: 403 };
    const held = cookieIn(cookies, cookieName(url));
    const status = held === undefined ? 401 : await this.#byPass(url, held);
    return status === 401 ? this.#byTicket(url) : { status };
  }

  /** Where a person who is signed in goes on to: `back`, with a ticket. Throws NOT_FOUND, FORBIDDEN. */
  async entrance({ user, session }: Visitor, back: string | null): Promise<string> {
    const url = urlOf(back);
    if (url === undefined) throw new AppError('NOT_FOUND', 'There is no app at this address.');
    const { origin } = await this.deps.app(user, labelOf(url));
    // Anything else would send a ticket to whoever asked for it.
    if (origin !== url.origin) throw new AppError('NOT_FOUND', 'There is no app at this address.');
    const { id, username } = user;
    const ticket = await this.#passes.sign('ticket', { origin, session, user: id, username });
    url.searchParams.set(TICKET, ticket);
    return url.href;
  }

  async #byPass(url: URL, held: string): Promise<AppAnswer['status']> {
    const known = `${url.origin} ${held}`;
    if ((this.#stands.get(known) ?? 0) > this.#now()) return 204;
    const pass = await this.#passes.read('pass', held);
    if (pass?.origin !== url.origin) return 401;
    const status = await this.#standing(pass);
    if (status === 204) this.#remember(known);
    return status;
  }

  async #byTicket(url: URL): Promise<AppAnswer> {
    const ticket = await this.#passes.read('ticket', url.searchParams.get(TICKET) ?? '');
    if (ticket?.origin !== url.origin) return { status: 401 };
    const status = await this.#standing(ticket);
    if (status !== 204) return { status };
    const pass = await this.#passes.sign('pass', ticket);
    const secure = url.protocol === 'https:' ? '; Secure' : '';
    const attributes = `Path=/; Max-Age=${PASS_SECONDS}; HttpOnly; SameSite=Lax${secure}`;
    return { status, cookie: `${cookieName(url)}=${pass}; ${attributes}` };
  }

  async #standing({ origin, user, username, session }: AppPass): Promise<AppAnswer['status']> {
    if ((await this.deps.sessionEnd(session)) === undefined) return 401;
    try {
      const app = await this.deps.app({ id: user, username }, labelOf(new URL(origin)));
      return app.origin === origin ? 204 : 403;
    } catch (error) {
      if (error instanceof AppError && (error.code === 'NOT_FOUND' || error.code === 'FORBIDDEN')) return 403;
      throw error;
    }
  }

  #remember(known: string): void {
    if (this.#stands.size >= REMEMBERED_MAX) this.#stands.clear();
    this.#stands.set(known, this.#now() + STANDS_MS);
  }
}

const urlOf = (text: string | null): URL | undefined =>
  text !== null && URL.canParse(text) ? new URL(text) : undefined;

const labelOf = ({ hostname }: URL): string => hostname.split('.')[0] ?? '';

/** The prefix keeps other hosts, and pages without TLS, from setting it. */
const cookieName = ({ protocol }: URL): string => (protocol === 'https:' ? '__Host-fsa_app' : 'fsa_app');

function cookieIn(header: string | null, name: string): string | undefined {
  const found = (header ?? '').split(';').find((pair) => pair.trim().startsWith(`${name}=`));
  return found?.trim().slice(name.length + 1);
}
