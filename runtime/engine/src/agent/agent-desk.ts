import type { Logger } from 'pino';
import { z } from 'zod';
import { ApiError, badRequest } from '../api/status.js';
import { person, type AgentConsent, type GivenConsent } from './consent.js';
import { NpmError } from './npm.js';
import { ToolError, type InstallOptions, type Installed, type ToolFolder } from './tool-folder.js';

const order = z.strictObject({
  action: z.enum(['install', 'cancel', 'remove', 'allow', 'revoke']),
  by: person,
});
type Order = z.infer<typeof order>;

/** How it stands with Claude Code on this machine. */
export interface AgentState {
  /** The version that an installation would install. */
  readonly wanted: string;
  /** One of the machine's own, which sandboxes find first; `shown`: whether they see it. */
  readonly onPath?: { readonly path: string; readonly shown: boolean };
  readonly installed?: Installed;
  readonly installing?: { readonly since: string; readonly bytes: number; readonly ofBytes: number };
  /** Why the last installation since the engine's start ended otherwise than well. */
  readonly failure?: { readonly message: string; readonly lines: readonly string[] };
  /** Whether an agent without isolation has to be allowed, and who did so. */
  readonly consent: { readonly needed: boolean; readonly given?: GivenConsent };
}

export interface AgentDeskOptions {
  readonly tools: ToolFolder;
  readonly roughBytes: number;
  readonly onPath: () => Promise<AgentState['onPath']>;
  readonly consent: AgentConsent;
  readonly consentNeeded: boolean;
  readonly install: Omit<InstallOptions, 'signal'>;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** Installs Claude Code for all sandboxes on request, and keeps whether it may run without isolation. */
export class AgentDesk {
  #running:
    { readonly since: string; readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
  #failure: AgentState['failure'];

  constructor(private readonly options: AgentDeskOptions) {}

  async state(): Promise<AgentState> {
    const { tools, consent, consentNeeded, roughBytes } = this.options;
    const [{ version: wanted }, installed, onPath, bytes] = await Promise.all([
      ...([tools.wanted(), tools.installed(), this.options.onPath()] as const),
      this.#running === undefined ? 0 : tools.written(),
    ]);
    const { given } = consent;
    return {
      wanted,
      ...(onPath === undefined ? {} : { onPath }),
      ...(installed === undefined ? {} : { installed }),
      ...(this.#running === undefined
        ? {}
        : { installing: { since: this.#running.since, bytes, ofBytes: roughBytes } }),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
      consent: { needed: consentNeeded, ...(given === undefined ? {} : { given }) },
    };
  }

  /** Answers the state after it. Throws ApiError. */
  async act(body: unknown): Promise<AgentState> {
    const asked = order.safeParse(body);
    if (!asked.success) throw badRequest('This needs {"action", "by": {"id", "name"}}.');
    await this.#do(asked.data);
    this.options.log.info({ audit: 'agent', ...asked.data }, 'decided about Claude Code');
    return this.state();
  }

  async close(): Promise<void> {
    this.#running?.abort.abort();
    await this.#running?.ended;
  }

  async #do({ action, by }: Order): Promise<void> {
    if (action === 'install') this.#install();
    else if (action === 'cancel') await this.close();
    else if (action === 'remove') await this.#remove();
    else if (action === 'revoke') await this.options.consent.revoke(by);
    else {
      if (!this.options.consentNeeded)
        throw badRequest('Sandboxes are isolated here: nothing has to be allowed.');
      await this.options.consent.give(by);
    }
  }

  /** Pressed twice it is one installation. */
  #install(): void {
    if (this.#running !== undefined) return;
    this.#failure = undefined;
    const abort = new AbortController();
    const ended = this.options.tools
      .install({ ...this.options.install, signal: abort.signal })
      .then(
        (installed) => this.options.log.info({ installed }, 'Claude Code is installed'),
        (error: unknown) => {
          if (!abort.signal.aborted) this.#fail(error);
        },
      )
      .finally(() => (this.#running = undefined));
    this.#running = { since: this.options.now().toISOString(), abort, ended };
  }

  #fail(error: unknown): void {
    this.options.log.warn({ err: error }, 'Claude Code was not installed');
    const message = error instanceof Error ? error.message : String(error);
    this.#failure = { message, lines: error instanceof NpmError ? error.lines : [] };
  }

  async #remove(): Promise<void> {
    try {
      await this.options.tools.remove();
      this.#failure = undefined;
    } catch (error) {
      if (error instanceof ToolError) throw new ApiError(409, 'Conflict', error.message);
      throw error;
    }
  }
}
