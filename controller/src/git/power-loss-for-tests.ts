import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import type { Operation } from './recording-disk-for-tests.js';

/**
 * What a disk may hold after the power went away: what was synced, and of the rest anything. A name that was not synced
 * is there or is not, each by itself and in any order; bytes that were not synced are there, lost, or there by half.
 */

type FileOperation = Extract<Operation, { readonly file: number }>;
type Entry = number | 'folder';

interface Change {
  readonly at: number;
  readonly directory: string;
  readonly without?: string;
  readonly adds?: readonly [string, Entry];
}

interface FileState {
  readonly sure: Buffer[];
  readonly unsure: { readonly at: number; readonly bytes: Buffer }[];
}

/** Content by path below the root; undefined: a folder. */
export type DiskState = ReadonlyMap<string, Buffer | undefined>;

/** More changes than this at once are not tried in every combination. */
const EVERY_COMBINATION = 6;

export class PowerLoss {
  readonly #names = new Map<string, Map<string, Entry>>();
  readonly #seen = new Map<string, Entry>();
  readonly #files = new Map<number, FileState>();
  #pending: Change[] = [];

  constructor(private readonly root: string) {}

  /** The `at`-th operation happens. */
  happen(operation: Operation, at: number): void {
    if ('file' in operation) this.#happenToFile(operation, at);
    switch (operation.kind) {
      case 'make directory':
        this.#add(operation.path, 'folder', at);
        break;
      case 'rename':
        this.#rename(operation, at);
        break;
      case 'remove':
        this.#remove(operation.path, at);
        break;
      case 'sync directory':
        this.#syncDirectory(operation.path, operation.upTo);
        break;
      default:
    }
  }

  #happenToFile(operation: FileOperation, at: number): void {
    const { file } = operation;
    if (operation.kind === 'write') this.#files.get(file)?.unsure.push({ at, bytes: operation.bytes });
    else if (operation.kind === 'sync file') this.#syncFile(file, operation.upTo);
    else {
      this.#files.set(file, { sure: 'bytes' in operation ? [operation.bytes] : [], unsure: [] });
      this.#add(operation.path, file, at);
    }
  }

  /** Every disk that the machine may find when it comes back. */
  *states(): Iterable<DiskState> {
    for (const kept of combinations(this.#pending))
      for (const share of this.#hasUnsureBytes() ? [0, 0.5, 1] : [1]) yield this.#state(kept, share);
  }

  #hasUnsureBytes(): boolean {
    return [...this.#files.values()].some(({ unsure }) => unsure.length > 0);
  }

  #add(path: string, entry: Entry, at: number): void {
    this.#seen.set(path, entry);
    this.#pending.push({ at, directory: dirname(path), adds: [basename(path), entry] });
  }

  #rename({ from, to }: { from: string; to: string }, at: number): void {
    const entry = this.#seen.get(from);
    if (entry === undefined) return;
    this.#seen.delete(from);
    this.#seen.set(to, entry);
    // Within one folder a rename is one change; it is never seen half.
    if (dirname(from) !== dirname(to)) throw new Error(`${from} and ${to} are in different folders.`);
    const adds = [basename(to), entry] as const;
    this.#pending.push({ at, directory: dirname(to), without: basename(from), adds });
  }

  #remove(path: string, at: number): void {
    if (!this.#seen.delete(path)) return;
    this.#pending.push({ at, directory: dirname(path), without: basename(path) });
  }

  #syncFile(file: number, upTo: number): void {
    const state = this.#files.get(file);
    while (state?.unsure[0] !== undefined && state.unsure[0].at < upTo)
      state.sure.push(...state.unsure.splice(0, 1).map(({ bytes }) => bytes));
  }

  #syncDirectory(directory: string, upTo: number): void {
    const isSure = (change: Change): boolean => change.directory === directory && change.at < upTo;
    for (const change of this.#pending.filter(isSure)) applyChange(this.#names, change);
    this.#pending = this.#pending.filter((change) => !isSure(change));
  }

  #state(kept: readonly Change[], share: number): DiskState {
    const names = new Map([...this.#names].map(([directory, entries]) => [directory, new Map(entries)]));
    for (const change of kept) applyChange(names, change);
    const state = new Map<string, Buffer | undefined>();
    this.#walk(names, { directory: this.root, share, state });
    return state;
  }

  #walk(
    names: Names,
    to: { directory: string; share: number; state: Map<string, Buffer | undefined> },
  ): void {
    for (const [name, entry] of [...(names.get(to.directory) ?? [])].sort()) {
      const path = join(to.directory, name);
      to.state.set(relative(this.root, path), entry === 'folder' ? undefined : this.#bytes(entry, to.share));
      if (entry === 'folder') this.#walk(names, { ...to, directory: path });
    }
  }

  #bytes(file: number, share: number): Buffer {
    const { sure = [], unsure = [] } = this.#files.get(file) ?? {};
    const rest = Buffer.concat(unsure.map(({ bytes }) => bytes));
    return Buffer.concat([...sure, rest.subarray(0, Math.floor(rest.length * share))]);
  }
}

type Names = Map<string, Map<string, Entry>>;

function applyChange(names: Names, { directory, without, adds }: Change): void {
  const entries = names.get(directory) ?? new Map<string, Entry>();
  if (without !== undefined) entries.delete(without);
  if (adds !== undefined) entries.set(...adds);
  names.set(directory, entries);
}

/** All of them where they are few; else none, all, each alone, each alone missing, and every beginning. */
function* combinations<T>(all: readonly T[]): Iterable<readonly T[]> {
  if (all.length <= EVERY_COMBINATION) {
    for (let bits = 0; bits < 2 ** all.length; bits++) yield all.filter((_, at) => (bits >> at) & 1);
    return;
  }
  for (let at = 0; at <= all.length; at++) {
    yield all.slice(0, at);
    yield all.slice(at, at + 1);
    yield all.toSpliced(at, 1);
  }
}

/** Taken away by the next start, unread: that they are there makes a difference, what is in them does not. */
const LEFTOVER = /(?:^|\/)tmp_fullstackagent_[^/]+$|\.lock$|\.fullstackagent-new$/;

export function fingerprint(state: DiskState): string {
  const hash = createHash('sha1');
  for (const [path, bytes] of state) {
    const content = LEFTOVER.test(path) ? undefined : bytes;
    hash.update(`${path}\0${content?.length ?? 'nothing to read'}\0`);
    if (content !== undefined) hash.update(content);
  }
  return hash.digest('hex');
}

/** Folders come before what is in them. */
export function writeState(state: DiskState, root: string): void {
  mkdirSync(root, { recursive: true });
  for (const [path, bytes] of state)
    if (bytes === undefined) mkdirSync(join(root, path));
    else writeFileSync(join(root, path), bytes);
}
