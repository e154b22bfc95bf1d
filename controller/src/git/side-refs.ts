import { AppError } from '../contract/errors.js';
import type { SideRefs } from '../model/repository.js';
import type { Disk } from './disk.js';
import { storageFailure } from './failures.js';
import { gitBytes, type GitLocation } from './git-process.js';
import { compareAndSwap, readRef } from './refs.js';

const FAMILY = /^refs\/[a-z][a-z-]*\/$/;
const REF = /^refs\/(?!heads\/)[a-z][a-z-]*\/[a-z0-9][a-z0-9-]*$/;
/** How often somebody else may set the same ref meanwhile. */
const ATTEMPTS = 5;

/** Refs beside the branches, of a repository that this process holds. */
export class GitSideRefs implements SideRefs {
  constructor(
    private readonly location: GitLocation,
    private readonly disk: Disk,
  ) {}

  async read(ref: string): Promise<string | undefined> {
    return readRef(this.location.gitDir, sideRef(ref));
  }

  async list(family: string): Promise<ReadonlyMap<string, string>> {
    if (!FAMILY.test(family)) throw noSuchRef(family);
    const format = '--format=%(refname) %(objectname)';
    const output = (await gitBytes(this.location, ['for-each-ref', format, family])).toString('utf8');
    const lines = output.split('\n').filter(Boolean);
    return new Map(lines.map((line) => line.split(' ') as [string, string]));
  }

  async set(ref: string, commit: string): Promise<void> {
    const { gitDir } = this.location;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const expected = await readRef(gitDir, sideRef(ref));
      if (expected === commit) return;
      if ((await compareAndSwap(gitDir, { ref, expected, next: commit }, this.disk)).swapped) return;
    }
    throw storageFailure(`${ref} cannot be set.`, new Error('Somebody else keeps setting it.'));
  }

  async remove(ref: string): Promise<void> {
    await gitBytes(this.location, ['update-ref', '-d', sideRef(ref)]);
  }
}

function sideRef(ref: string): string {
  if (REF.test(ref)) return ref;
  throw noSuchRef(ref);
}

const noSuchRef = (ref: string): AppError =>
  new AppError('INTERNAL', `${JSON.stringify(ref)} is no name for a ref beside the branches.`);
