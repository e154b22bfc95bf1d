import type {
  ChangeDto,
  PlanDto,
  ReleaseInput,
  ReleaseStateDto,
  SnapshotDto,
  StartCommandDto,
} from '@fullstackagent/controller/contract';
import { api, type Failure, fieldErrors, isCode, messageOf, standingErrors } from '../api.js';
import { inputOf, rowsOf, type VariableRow } from '../environment/rows.js';
import { projectApi } from '../projects/paths.js';
import { ImageBuild } from './image-build.svelte.js';

/** `standing`: what is released now, with other settings. */
export type Source = 'snapshot' | 'build' | 'image' | 'standing';
export type Visibility = 'members' | 'public';
type Sent = ReleaseInput & { readonly command?: string };

const FIELDS = ['image', 'command', 'replicas', 'maxReplicas', 'preset', 'variables', 'visibility'];
const isShown = (field: string): boolean => FIELDS.includes(field.split('.')[0] ?? '');

const FIRST = {
  image: '',
  replicas: 1,
  database: false,
  variables: [],
  maxReplicas: null,
  visibility: 'public',
} as const;

/** What is to be released, from the first look to the commit: a plan comes between. */
export class ReleaseForm {
  source = $state<Source>('snapshot');
  image = $state('');
  command = $state('');
  /** The file of the workspace that named the command. */
  from = $state<string>();
  replicas = $state(1);
  /** null: no more under load. */
  maxReplicas = $state<number | null>(null);
  database = $state(false);
  visibility = $state<Visibility>('public');
  preset = $state('');
  rows = $state<VariableRow[]>([]);
  pending = $state<'snapshot' | 'build' | 'plan' | 'release'>();
  failure = $state.raw<Failure>();
  snapshot = $state.raw<SnapshotDto>();
  plan = $state.raw<PlanDto>();
  #sent = $state.raw<Sent>();
  #planned: ReleaseInput | undefined;
  readonly build: ImageBuild;
  readonly #key: string;
  readonly #version: string;

  constructor(key: string, state: ReleaseStateDto, defaultPreset: string) {
    this.#key = key;
    this.#version = state.version;
    this.build = new ImageBuild(this.#path('build'));
    const { offer, version } = state;
    const release = state.release ?? { ...FIRST, preset: defaultPreset };
    this.source = offer.snapshots ? 'snapshot' : offer.build ? 'build' : 'image';
    this.image = this.source === 'image' ? release.image : '';
    this.replicas = release.replicas;
    this.maxReplicas = release.maxReplicas ?? null;
    this.database = release.database;
    this.visibility = release.visibility;
    this.preset = release.preset;
    this.rows = rowsOf({ variables: release.variables, version });
  }

  readonly errors = $derived(standingErrors(fieldErrors(this.failure), this.#sent, this.#asked()));
  readonly stale = $derived(this.failure !== undefined && isCode(this.failure, 'STALE_VERSION'));
  /** What is said beside no field that this form has. */
  readonly general = $derived(
    this.failure === undefined || Object.keys(fieldErrors(this.failure)).some(isShown)
      ? undefined
      : messageOf(this.failure),
  );

  /** Asks the workspace how its app is started; that it cannot be asked is no mistake. */
  async suggest(): Promise<void> {
    const result = await api<StartCommandDto>('GET', this.#path('start-command'));
    if (!result.ok || this.command !== '') return;
    this.command = result.value.command ?? '';
    this.from = result.value.from;
  }

  /** Keeps the workspace as it is where that is what is released, and says what the release would change. */
  async preview(): Promise<void> {
    if (this.pending !== undefined) return;
    this.failure = undefined;
    this.#sent = this.#asked();
    const source = await this.#source();
    if (source === undefined) return;
    const input: ReleaseInput = { ...this.#settings(), ...source };
    this.pending = 'plan';
    const result = await api<PlanDto>('POST', projectApi(this.#key, 'plan'), { release: input });
    this.pending = undefined;
    if (!result.ok) {
      this.failure = result.failure;
      return;
    }
    // What was shown is what is recorded, its address included.
    const { releaseHost: host } = result.value;
    this.#planned = { ...input, ...(host === undefined ? {} : { host }) };
    this.plan = result.value;
  }

  /** One commit. @returns what was made of it, or undefined where it was not accepted. */
  async release(): Promise<ChangeDto | undefined> {
    if (this.pending !== undefined || this.#planned === undefined) return undefined;
    this.pending = 'release';
    this.failure = undefined;
    const result = await api<ChangeDto>('POST', this.#path(), this.#planned);
    this.pending = undefined;
    if (result.ok) return result.value;
    this.failure = result.failure;
    this.plan = undefined;
    return undefined;
  }

  back(): void {
    this.plan = undefined;
    this.failure = undefined;
  }

  /** undefined: there is none, and `failure` says why. */
  async #source(): Promise<Pick<ReleaseInput, 'image'> | undefined> {
    if (this.source === 'standing') return {};
    const image = await this.#image();
    return image === undefined ? undefined : { image };
  }

  async #image(): Promise<string | undefined> {
    if (this.source === 'image') return this.image.trim();
    return this.source === 'snapshot' ? this.#take() : this.#build();
  }

  async #build(): Promise<string | undefined> {
    this.pending = 'build';
    const command = this.command.trim();
    const image = await this.build.run(command === '' ? {} : { command });
    this.pending = undefined;
    return image;
  }

  async #take(): Promise<string | undefined> {
    this.pending = 'snapshot';
    const command = this.command.trim();
    const result = await api<SnapshotDto>('POST', this.#path('snapshot'), command === '' ? {} : { command });
    this.pending = undefined;
    if (!result.ok) {
      this.failure = result.failure;
      return undefined;
    }
    this.snapshot = result.value;
    return result.value.image;
  }

  #settings(): ReleaseInput {
    const { variables } = inputOf(this.rows, this.#version);
    const { replicas, maxReplicas, database, preset, visibility } = this;
    return { version: this.#version, replicas, maxReplicas, database, preset, visibility, variables };
  }

  #asked(): Sent {
    const { image, command } = this;
    return { ...this.#settings(), image: image.trim(), command: command.trim() };
  }

  #path(rest = ''): string {
    return projectApi(this.#key, rest === '' ? 'release' : `release/${rest}`);
  }
}
