import { toast } from 'svelte-sonner';
import { api, messageOf } from '../api.js';

/** What an operator is asked before it is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly action: string;
  readonly danger?: boolean;
  readonly path: string;
  readonly body?: unknown;
  /** What to say when it is done. */
  readonly done: string;
}

/** `done` is left out where the page itself shows what became of it. */
type Order = Pick<Question, 'path' | 'body'> & { readonly done?: string | undefined };

/** One decision at a time: asked, sent, and what it is about read again. */
export class Decisions {
  question = $state.raw<Question>();
  open = $state(false);
  pending = $state(false);
  readonly #after: () => Promise<void>;

  constructor(after: () => Promise<void>) {
    this.#after = after;
  }

  ask(question: Question): void {
    this.question = question;
    this.open = true;
  }

  async confirm(): Promise<void> {
    const { question } = this;
    if (question === undefined || this.pending) return;
    await this.send(question);
    this.open = false;
  }

  /** Without asking first. */
  async send({ path, body, done }: Order): Promise<void> {
    if (this.pending) return;
    this.pending = true;
    const result = await api('POST', path, body);
    if (result.ok) {
      if (done !== undefined) toast.success(done);
    } else toast.error(messageOf(result.failure));
    await this.#after();
    this.pending = false;
  }
}
