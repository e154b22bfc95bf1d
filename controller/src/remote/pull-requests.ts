import { readFile } from 'node:fs/promises';
import { Octokit } from '@octokit/rest';
import type { PullRequestDto } from '../contract/remote.js';
import { RemoteFailure } from '../git/index.js';
import type { Remote } from '../model/remote.js';

export interface PullRequestsOptions {
  /** `https://api.github.com`, or the address of another server that speaks the same. */
  readonly api: string;
  readonly owner: string;
  readonly repository: string;
  readonly tokenFile: string;
  readonly remote: Remote;
}

interface Call {
  readonly commit: string;
  readonly signal: AbortSignal;
}

const BASE = 'main';
const HEAD = 'fullstackagent/main';
/** The server says "not now" in these ways: checks that are missing, a review, a head that moved. */
const NOT_NOW: ReadonlySet<number> = new Set([405, 409, 422]);
const BODY =
  'Changes that people made in the portal. Each commit is accepted already and keeps its id, so this has to be merged with a merge commit: not squashed, not rebased. It is merged by itself as soon as the rules of the branch allow it.';

/** Brings `main` to a server that takes changes of it by pull requests only. */
export class PullRequests {
  #open: PullRequestDto | undefined;

  constructor(private readonly options: PullRequestsOptions) {}

  /** The one that waits, as it was last seen. */
  open(): PullRequestDto | undefined {
    return this.#open;
  }

  /** True where it is merged there now; what it waits for otherwise is in {@link open}. Throws a RemoteFailure. */
  async bring(commit: string, signal: AbortSignal): Promise<boolean> {
    const head = await this.#push({ commit, signal });
    return asRemote(async () => {
      const octokit = await this.#octokit();
      const found =
        (await this.#find(octokit, { head, signal })) ?? (await this.#create(octokit, head, signal));
      const refusal = await this.#merge(octokit, { number: found.number, commit, signal });
      this.#open =
        refusal === undefined ? undefined : { number: found.number, url: found.html_url, message: refusal };
      return refusal === undefined;
    });
  }

  /** Somebody may have added to the branch there; then there is another one. */
  async #push({ commit, signal }: Call): Promise<string> {
    for (const branch of [HEAD, `${HEAD}-${commit.slice(0, 12)}`]) {
      const [result] = await this.options.remote.push({ [branch]: commit }, signal);
      if (result === undefined || result.outcome === 'pushed') return branch;
      if (result.outcome === 'protected')
        throw new RemoteFailure('failed', `The branch ${branch} cannot be pushed: ${result.reason ?? ''}`);
    }
    throw new RemoteFailure('failed', `The branch ${HEAD} there has other commits. Remove it.`);
  }

  async #find(
    octokit: Octokit,
    { head, signal }: { readonly head: string; readonly signal: AbortSignal },
  ): Promise<{ readonly number: number; readonly html_url: string } | undefined> {
    const { owner, repository: repo } = this.options;
    const { data } = await octokit.rest.pulls.list({
      ...{ owner, repo, base: BASE, state: 'open', head: `${owner}:${head}`, per_page: 1 },
      request: { signal },
    });
    return data[0];
  }

  async #create(
    octokit: Octokit,
    head: string,
    signal: AbortSignal,
  ): Promise<{ readonly number: number; readonly html_url: string }> {
    const { owner, repository: repo } = this.options;
    const title = 'Changes made in the portal';
    const { data } = await octokit.rest.pulls.create({
      ...{ owner, repo, base: BASE, head, title, body: BODY },
      request: { signal },
    });
    return data;
  }

  /** undefined where it is merged; otherwise why not. */
  async #merge(
    octokit: Octokit,
    { number, commit, signal }: Call & { readonly number: number },
  ): Promise<string | undefined> {
    const { owner, repository: repo } = this.options;
    try {
      await octokit.rest.pulls.merge({
        ...{ owner, repo, pull_number: number, sha: commit, merge_method: 'merge' },
        request: { signal },
      });
      return undefined;
    } catch (error) {
      if (!isAnswer(error) || !NOT_NOW.has(error.status)) throw error;
      return messageOf(error);
    }
  }

  /** Read each time: a token that was replaced counts at once. */
  async #octokit(): Promise<Octokit> {
    const { api, tokenFile } = this.options;
    const auth = (await readFile(tokenFile, 'utf8')).trim();
    const quiet = (): void => undefined;
    return new Octokit({
      auth,
      baseUrl: api,
      userAgent: 'fullstackagent',
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
  }
}

interface Answer extends Error {
  readonly status: number;
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

const isAnswer = (error: unknown): error is Answer =>
  error instanceof Error && 'status' in error && typeof error.status === 'number';

/** What the server says in its first sentence; the rest is an address of its documentation. */
const messageOf = (error: Answer): string => error.message.split(' - http')[0] ?? error.message;

async function asRemote<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RemoteFailure || !(error instanceof Error)) throw error;
    throw failureOf(error);
  }
}

function failureOf(error: Error): RemoteFailure {
  if (!isAnswer(error)) return new RemoteFailure('unreachable', error.message);
  const retryAt = retryAtOf(error);
  if (error.status === 429 || retryAt !== undefined)
    return new RemoteFailure('rate-limited', messageOf(error), retryAt);
  if (error.status === 401 || error.status === 403)
    return new RemoteFailure('unauthorized', messageOf(error));
  if (error.status === 404) return new RemoteFailure('not-found', messageOf(error));
  return new RemoteFailure(error.status >= 500 ? 'unreachable' : 'failed', messageOf(error));
}

/** GitHub says it in one of two headers: seconds from now, or the second of the era at which there is a new budget. */
function retryAtOf({ response }: Answer): Date | undefined {
  const after = Number(response?.headers['retry-after']);
  if (after > 0) return new Date(Date.now() + after * 1000);
  const reset = Number(response?.headers['x-ratelimit-reset']);
  return response?.headers['x-ratelimit-remaining'] === '0' && reset > 0 ? new Date(reset * 1000) : undefined;
}
