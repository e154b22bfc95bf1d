import type {
  ChangeDto,
  Conflict,
  PutWorkspaceInput,
  WorkspaceDto,
} from '@fullstackagent/controller/contract';
import { api, type Failure, fieldErrors, isCode, standingErrors } from '../api.js';
import { type Choices, conflictOf } from '../conflict/conflict.js';
import { projectApi } from '../projects/paths.js';
import { isSame, rebased, valuesOf, workspaceOf, type WorkspaceValues } from './values.js';

/** What a project's workspace begins with: what was read, what was typed on top, and what saving it said. */
export class WorkspaceForm {
  values = $state<WorkspaceValues>(valuesOf());
  pending = $state(false);
  failure = $state.raw<Failure>();
  /** What both sides changed, for a person to decide. */
  conflict = $state.raw<Conflict>();
  #base = $state.raw<WorkspaceDto>({ workspace: {}, version: '' });
  #sent = $state.raw<PutWorkspaceInput>();
  readonly #path: string;

  constructor(key: string, initial: WorkspaceDto) {
    this.#path = projectApi(key, 'workspace');
    this.#fill(initial);
  }

  readonly changed = $derived(!isSame(this.values, valuesOf(this.#base.workspace)));
  readonly errors = $derived(standingErrors(fieldErrors(this.failure), this.#sent, this.#input()));
  /** Somebody else saved, and the version this began from is not known any more. */
  readonly stale = $derived(this.failure !== undefined && isCode(this.failure, 'STALE_VERSION'));

  /** One commit. @returns what was made of it, or undefined where it was not accepted. */
  async save(): Promise<ChangeDto | undefined> {
    if (this.pending) return undefined;
    this.pending = true;
    this.#sent = this.#input();
    const result = await api<ChangeDto>('PUT', this.#path, this.#sent);
    this.failure = result.ok ? undefined : result.failure;
    this.conflict = conflictOf(this.failure);
    if (result.ok) await this.#read((fresh) => this.#fill(fresh));
    this.pending = false;
    return result.ok ? result.value : undefined;
  }

  /** Puts what was typed on top of what stands now. */
  async takeTheirs(choices?: Choices): Promise<void> {
    this.pending = true;
    await this.#read((theirs) => {
      const values = {
        mine: this.values,
        base: valuesOf(this.#base.workspace),
        theirs: valuesOf(theirs.workspace),
      };
      this.values = rebased(values, (field) => choices?.get(field) === 'theirs');
      this.#base = theirs;
      this.failure = undefined;
      this.conflict = undefined;
    });
    this.pending = false;
  }

  /** Saves again, on top of the version that stands, with what was decided about each field. */
  async settle(choices: Choices): Promise<ChangeDto | undefined> {
    await this.takeTheirs(choices);
    return this.conflict === undefined ? this.save() : undefined;
  }

  discard(): void {
    this.#fill(this.#base);
  }

  #input(): PutWorkspaceInput {
    return { workspace: workspaceOf(this.values), version: this.#base.version };
  }

  async #read(take: (fresh: WorkspaceDto) => void): Promise<void> {
    const fresh = await api<WorkspaceDto>('GET', this.#path);
    if (fresh.ok) take(fresh.value);
    else this.failure = fresh.failure;
  }

  #fill(fresh: WorkspaceDto): void {
    this.#base = fresh;
    this.values = valuesOf(fresh.workspace);
    this.failure = undefined;
    this.conflict = undefined;
  }
}
