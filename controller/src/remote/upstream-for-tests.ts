import { join } from 'node:path';
import { GitRemote, plainProjection } from '../git/index.js';
import type { Branch, Snapshot } from '../model/repository.js';
import {
  openInstallation,
  ticking,
  withTenant,
  type Installation,
} from '../shared/installation-for-tests.js';
import { commitWithStockGit, quietLog, repositoryOptions, stockGit } from '../shared/repository-for-tests.js';
import { Proposals } from './proposals.js';
import { Sync } from './sync.js';

export const SIGNAL: AbortSignal = new AbortController().signal;

/** An installation with one tenant, a real bare repository beside it, and what keeps the two the same. */
export interface Upstream {
  readonly installation: Installation;
  readonly rendered: Branch<Snapshot>;
  /** The bare repository. */
  readonly folder: string;
  readonly remote: GitRemote;
  readonly proposals: Proposals;
  readonly sync: Sync;
  /** `<branch> <commit>` in the order in which it was said. */
  readonly arrived: string[];
  /** A commit made there by hand, on its own tip. */
  readonly byHand: (files: Readonly<Record<string, string | null>>, branch?: string) => string;
  readonly there: (...args: readonly string[]) => string;
  readonly here: (...args: readonly string[]) => string;
  readonly round: () => Promise<void>;
}

export async function openUpstream(options: { url?: string } = {}): Promise<Upstream> {
  const installation = await withTenant(await openInstallation());
  const { repository, store, gitDir } = installation;
  const folder = join(installation.folder, 'upstream.git');
  stockGit(installation.folder, 'init', '--quiet', '--bare', '--initial-branch=main', folder);
  const rendered = await repository.branch('rendered', plainProjection);
  const remote = new GitRemote(
    { gitDir, searchPath: repositoryOptions.searchPath },
    { url: options.url ?? folder, user: 'platform' },
  );
  const now = ticking();
  const proposals = new Proposals({ repository, store, now });
  const arrived: string[] = [];
  const sync = new Sync({
    repository,
    remote,
    main: store.main,
    rendered,
    record: (collision, by) => proposals.record(collision, by),
    alwaysPropose: false,
    onThere: (branch, commit) => arrived.push(`${branch} ${commit}`),
    log: quietLog,
    now,
  });
  return {
    installation,
    rendered,
    folder,
    remote,
    proposals,
    sync,
    arrived,
    byHand: (files, branch = 'main') => commitWithStockGit(folder, branch, files),
    there: (...args) => stockGit(folder, ...args),
    here: (...args) => stockGit(gitDir, ...args),
    round: async () => {
      await sync.look(SIGNAL);
      await sync.push(SIGNAL);
    },
  };
}
