import type { ChangeDto, EnvironmentDto, PutEnvironmentInput } from '@fullstackagent/controller/contract';
import { api, type Failure, fieldErrors, isCode, standingErrors } from '../api.js';
import { projectApi } from '../projects/paths.js';
import { inputOf, isChanged, rebase, rowsOf, type VariableRow } from './rows.js';

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
  }
}
