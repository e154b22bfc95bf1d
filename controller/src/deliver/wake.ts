import { createHmac } from 'node:crypto';

/** What became visible on `rendered` where the applier reads it. */
export interface Pushed {
  readonly before: string;
  readonly after: string;
  /** Paths or folders that differ between the two; none where that is not known. */
  readonly paths: readonly string[];
}

/** Makes an applier look now and not at its next round. */
export interface Waker {
  /** Answers at once. What goes wrong is told once; the applier comes round by itself. */
  wake(pushed: Pushed): void;
  /** Waits for a call under way. */
  close(): Promise<void>;
}

/** One way to wake one applier. Rejects where it did not take. */
export type WakeCall = (pushed: Pushed) => Promise<void>;

/** For a cluster that needs no waking: the local engine sees the ref move. */
export const noWaker: Waker = { wake: () => undefined, close: () => Promise.resolve() };

export interface WakerOptions {
  readonly calls: readonly WakeCall[];
  /** A call failed whose last one did not. */
  readonly onFailure: (error: unknown) => void;
}

/** Calls one at a time: what is pushed meanwhile is put together into the next. */
export function createWaker({ calls, onFailure }: WakerOptions): Waker {
  const lines = calls.map((call) => new Line(call, onFailure));
  return {
    wake: (pushed) => {
      for (const line of lines) line.wake(pushed);
    },
    close: async () => {
      await Promise.all(lines.map((line) => line.close()));
    },
  };
}

class Line {
  #next: Pushed | undefined;
  #running: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  constructor(
    private readonly call: WakeCall,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  wake(pushed: Pushed): void {
    if (this.#closed) return;
    this.#next = this.#next === undefined ? pushed : together(this.#next, pushed);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#next = undefined;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#next !== undefined) {
      const pushed = this.#next;
      this.#next = undefined;
      try {
        await this.call(pushed);
        this.#failing = false;
      } catch (error) {
        if (!this.#failing) this.onFailure(error);
        this.#failing = true;
      }
    }
  }
}

/** Not knowing the paths of one of the two is not knowing them. */
function together(first: Pushed, second: Pushed): Pushed {
  const known = first.paths.length > 0 && second.paths.length > 0;
  return {
    before: first.before,
    after: second.after,
    paths: known ? [...new Set([...first.paths, ...second.paths])] : [],
  };
}

/** Changes one object on the cluster by a JSON merge patch. */
export type Patch = (path: string, change: object) => Promise<void>;

const FLUX_SOURCE = '/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/platform';

/** Flux fetches when the annotation has a value it has not handled; what it fetched starts the Kustomizations. */
export function wakeFlux(patch: Patch, now: () => Date): WakeCall {
  let last = 0;
  return async () => {
    // Two pushes in one millisecond are two values.
    last = Math.max(last + 1, now().getTime());
    const requestedAt = new Date(last).toISOString();
    await patch(FLUX_SOURCE, {
      metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } },
    });
  };
}

export interface ArgoWebhook {
  /** `https://<argocd-server>/api/webhook`; ApplicationSets have one of their own (a new folder, a folder gone). */
  readonly url: URL;
  /** As in Secret `argocd-secret`, key `webhook.github.secret`. */
  readonly secret: string;
  /** The address of the repository as the Applications name it. */
  readonly repository: URL;
}

const ANSWER_LIMIT_MS = 10_000;

/** Argo CD knows no webhook of nobody in particular: this is GitHub's push event, as far as Argo CD reads it. */
export function wakeArgo({ url, secret, repository }: ArgoWebhook): WakeCall {
  return async ({ before, after, paths }) => {
    const body = JSON.stringify({
      ref: 'refs/heads/rendered',
      before,
      after,
      repository: { html_url: withoutCredentials(repository), default_branch: 'main' },
      commits: [{ added: [], modified: paths, removed: [] }],
    });
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-GitHub-Event': 'push',
        'X-Hub-Signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      },
      body,
      // The body is signed for this address and for no other.
      redirect: 'error',
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`The webhook of Argo CD answered ${response.status}.`);
  };
}

function withoutCredentials(repository: URL): string {
  const url = new URL(repository);
  url.username = '';
  url.password = '';
  return url.href;
}
