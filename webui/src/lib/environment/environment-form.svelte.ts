import type {
  ChangeDto,
  Conflict,
  EnvironmentDto,
  PutEnvironmentInput,
} from '@fullstackagent/controller/contract';
import { api, type Failure, fieldErrors, isCode, standingErrors } from '../api.js';
import { type Choices, conflictOf, variableIn } from '../conflict/conflict.js';
import { projectApi } from '../projects/paths.js';
import { inputOf, isChanged, rebase, rowsOf, type VariableRow, withTheirs } from './rows.js';

/** The editor of one project's variables: what was read, what was typed on top, and what saving it said. */
export class EnvironmentForm {
  rows = $state<VariableRow[]>([]);
  base = $state.raw<EnvironmentDto>({ variables: [], version: '' });
  pending = $state(false);
  failure = $state.raw<Failure>();
  #sent = $state.raw<PutEnvironmentInput>();
  /** Somebody else saved meanwhile: nothing was sent, nothing typed is lost. */
  stale = $state(false);
  /** Names that both sides changed, after taking in what the other side saved. */
  both = $state.raw<readonly string[]>([]);
  /** What both sides changed, for a person to decide; without it the two can only be put on top of each other. */
  conflict = $state.raw<Conflict>();
  readonly #key: string;

  constructor(key: string, environment: EnvironmentDto) {
    this.#key = key;
    this.#fill(environment);
  }

  readonly changed = $derived(isChanged(this.rows, this.base));
  readonly errors = $derived(
    standingErrors(fieldErrors(this.failure), this.#sent, inputOf(this.rows, this.base.version)),
  );

  /** One commit. @returns what was made of it, or undefined where it was not accepted. */
  async save(): Promise<ChangeDto | undefined> {
    if (this.pending) return undefined;
    this.pending = true;
    this.failure = undefined;
    this.#sent = inputOf(this.rows, this.base.version);
    const result = await api<ChangeDto>('PUT', this.#path, this.#sent);
    if (!result.ok) {
      this.stale = isCode(result.failure, 'STALE_VERSION');
      this.conflict = conflictOf(result.failure);
      this.failure = this.stale ? undefined : result.failure;
      this.pending = false;
      return undefined;
    }
    const fresh = await api<EnvironmentDto>('GET', this.#path);
    if (fresh.ok) this.#fill(fresh.value);
    else this.failure = fresh.failure;
    this.pending = false;
    return result.value;
  }

  /** Reads what is there now and puts what was typed on top of it. */
  async takeTheirs(): Promise<void> {
    this.pending = true;
    const fresh = await api<EnvironmentDto>('GET', this.#path);
    this.pending = false;
    if (!fresh.ok) {
      this.failure = fresh.failure;
      return;
    }
    const { rows, both } = rebase(this.rows, this.base, fresh.value);
    this.rows = rows;
    this.base = fresh.value;
    this.both = both;
    this.stale = false;
  }

  /** Saves again, on top of the version that stands, with what was decided about each field. */
  async settle(choices: Choices): Promise<ChangeDto | undefined> {
    const { conflict } = this;
    if (conflict === undefined || this.pending) return undefined;
    this.pending = true;
    this.failure = undefined;
    const fresh = await api<EnvironmentDto>('GET', this.#path);
    this.pending = false;
    if (!fresh.ok) {
      this.failure = fresh.failure;
      return undefined;
    }
    // Changed once more: asked again from the old version, the server says what is to be decided now.
    if (fresh.value.version === conflict.version) this.#take(fresh.value, choices);
    return this.save();
  }

  #take(theirs: EnvironmentDto, choices: Choices): void {
    const given = [...choices].filter(([, side]) => side === 'theirs').map(([field]) => field);
    const names = given.flatMap((field) => variableIn(field) ?? []);
    // A difference that is no variable's is about the list as a whole.
    const all = names.length < given.length;
    const { rows } = rebase(this.rows, this.base, theirs);
    this.rows = all ? rowsOf(theirs) : withTheirs(rows, theirs, names);
    this.base = theirs;
  }

  discard(): void {
    this.#fill(this.base);
    this.failure = undefined;
  }

  get #path(): string {
    return projectApi(this.#key, 'environment');
  }

  #fill(environment: EnvironmentDto): void {
    this.base = environment;
    this.rows = rowsOf(environment);
    this.stale = false;
    this.both = [];
    this.conflict = undefined;
  }
}
