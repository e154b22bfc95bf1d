import type {
  AgentDto,
  AppDto,
  ChangeDto,
  CloneDto,
  DatabaseDto,
  DiskDto,
  DriftDto,
  EnvironmentDto,
  HistoryDto,
  ManifestsDto,
  PlanDto,
  PlatformDto,
  ProjectAction,
  ProjectDto,
  WorkspaceDto,
  ProposalsDto,
  ShellsDto,
  SshOfferDto,
  UploadStateDto,
} from '@fullstackagent/controller/contract';
import { ask, type ControllerConnection, type ControllerRequest } from './controller-request.js';
import { OperationsClient, type Decided } from './operations-client.js';
import type { ProjectKey } from './project-key.js';
import { BackupsClient } from './backups-client.js';
import { ReleaseClient } from './release-client.js';
import { RemoteClient, type ProposalDecision } from './remote-client.js';

/**
 * The controller's internal API as one person uses it. Every method throws an AppError: the controller's own problem
 * with its code and field errors, or NOT_READY where nobody answered.
 * Bodies are `unknown`: the controller validates them, with the contract's schemas, and says what is wrong beside each
 * field.
 */
export class ControllerClient {
  readonly #connection: ControllerConnection;

  /** For operators. */
  readonly operations: OperationsClient;
  /** For operators. */
  readonly remote: RemoteClient;

  constructor(connection: ControllerConnection) {
    this.#connection = connection;
    const send = <T>(method: string, path: string, body?: unknown): Promise<T> =>
      this.#json(method, path, body);
    this.operations = new OperationsClient(send);
    this.remote = new RemoteClient(send);
  }

  platform(): Promise<PlatformDto> {
    return this.#json('GET', '/v1/platform');
  }

  agent(): Promise<AgentDto> {
    return this.#json('GET', '/v1/agent');
  }

  /** Makes the acting person the owner of a namespace that is not there yet. Asking again changes nothing. */
  ensureTenant(namespace: string, displayName: string): Promise<{ commit?: string }> {
    return this.#json('PUT', `/v1/tenants/${segment(namespace)}`, { displayName });
  }

  /** Whose app is at `<label>.<domain>`. Throws NOT_FOUND, FORBIDDEN. */
  app(label: string): Promise<AppDto> {
    return this.#json('GET', `/v1/apps/${segment(label)}`);
  }

  async projects(namespace: string): Promise<readonly ProjectDto[]> {
    const { projects } = await this.#json<{ projects: ProjectDto[] }>('GET', projectsPath(namespace));
    return projects;
  }

  /** `input`: CreateProjectInput. */
  createProject(namespace: string, input: unknown): Promise<ChangeDto> {
    return this.#json('POST', projectsPath(namespace), input);
  }

  project(key: ProjectKey): Promise<ProjectDto> {
    return this.#json('GET', projectPath(key));
  }

  /** `input`: PatchProjectInput. */
  patchProject(key: ProjectKey, input: unknown): Promise<ChangeDto> {
    return this.#json('PATCH', projectPath(key), input);
  }

  deleteProject(key: ProjectKey): Promise<ChangeDto> {
    return this.#json('DELETE', projectPath(key));
  }

  /** For ever, with its data. Throws VALIDATION_FAILED (field `confirm`) unless that is the project's name. */
  purgeProject(key: ProjectKey, confirm: string): Promise<ChangeDto> {
    const query = new URLSearchParams({ purge: 'now', confirm });
    return this.#json('DELETE', `${projectPath(key)}?${query.toString()}`);
  }

  act(key: ProjectKey, action: Exclude<ProjectAction, 'delete'>): Promise<ChangeDto> {
    return this.#json('POST', `${projectPath(key)}/${action}`);
  }

  environment(key: ProjectKey): Promise<EnvironmentDto> {
    return this.#json('GET', `${projectPath(key)}/environment`);
  }

  /** `input`: PutEnvironmentInput. */
  putEnvironment(key: ProjectKey, input: unknown): Promise<ChangeDto> {
    return this.#json('PUT', `${projectPath(key)}/environment`, input);
  }

  workspace(key: ProjectKey): Promise<WorkspaceDto> {
    return this.#json('GET', `${projectPath(key)}/workspace`);
  }

  /** `input`: PutWorkspaceInput. */
  putWorkspace(key: ProjectKey, input: unknown): Promise<ChangeDto> {
    return this.#json('PUT', `${projectPath(key)}/workspace`, input);
  }

  /** What became of the repository that it begins with. */
  clone(key: ProjectKey): Promise<CloneDto> {
    return this.#json('GET', `${projectPath(key)}/workspace/clone`);
  }

  history(key: ProjectKey, page: { before?: string; limit?: string } = {}): Promise<HistoryDto> {
    const query = new URLSearchParams(page);
    return this.#json('GET', `${projectPath(key)}/history${query.size > 0 ? `?${query.toString()}` : ''}`);
  }

  manifests(key: ProjectKey): Promise<ManifestsDto> {
    return this.#json('GET', `${projectPath(key)}/manifests`);
  }

  drift(key: ProjectKey): Promise<DriftDto> {
    return this.#json('GET', `${projectPath(key)}/drift`);
  }

  /** What it takes on the disk. */
  disk(key: ProjectKey): Promise<DiskDto> {
    return this.#json('GET', `${projectPath(key)}/disk`);
  }

  database(key: ProjectKey): Promise<DatabaseDto> {
    return this.#json('GET', `${projectPath(key)}/database`);
  }

  /** With the password. The controller writes down who asked. */
  revealDatabase(key: ProjectKey): Promise<DatabaseDto> {
    return this.#json('POST', `${projectPath(key)}/database/reveal`);
  }

  /** `input`: PlanInput. Nothing is written. */
  plan(key: ProjectKey, input: unknown): Promise<PlanDto> {
    return this.#json('POST', `${projectPath(key)}/plan`, input);
  }

  /** Of this project alone. */
  proposals(key: ProjectKey): Promise<ProposalsDto> {
    return this.#json('GET', `${projectPath(key)}/proposals`);
  }

  decideProposal(key: ProjectKey, id: string, decision: ProposalDecision): Promise<Decided> {
    return this.#json('POST', `${projectPath(key)}/proposals/${segment(id)}/${decision}`);
  }

  /** The backups of one project's database. */
  backups(key: ProjectKey): BackupsClient {
    return new BackupsClient((request) => this.#answer(request), projectPath(key));
  }

  /** The release of one project. */
  release(key: ProjectKey): ReleaseClient {
    return new ReleaseClient((request) => this.#answer(request), projectPath(key));
  }

  /** Throws where the person may not use the project's terminals. */
  async requireTerminal(key: ProjectKey): Promise<void> {
    await ask(this.#connection, { method: 'GET', path: `${projectPath(key)}/terminal` });
  }

  /** Every shell that runs in the sandbox, looked at or not. */
  shells(key: ProjectKey): Promise<ShellsDto> {
    return this.#json('GET', `${projectPath(key)}/shells`);
  }

  async endShell(key: ProjectKey, session: string): Promise<void> {
    await ask(this.#connection, { method: 'DELETE', path: `${projectPath(key)}/shells/${segment(session)}` });
  }

  /** How the project's sandbox is reached by SSH. Throws NOT_READY, ACTION_NOT_ALLOWED where it cannot be. */
  sshOffer(key: ProjectKey): Promise<SshOfferDto> {
    return this.#json('GET', `${projectPath(key)}/ssh`);
  }

  /** `query`: UploadStateQuery. */
  uploadState(key: ProjectKey, query: URLSearchParams): Promise<UploadStateDto> {
    return this.#json('GET', `${projectPath(key)}/files/upload?${query.toString()}`);
  }

  async cancelUpload(key: ProjectKey, query: URLSearchParams): Promise<void> {
    const path = `${projectPath(key)}/files/upload?${query.toString()}`;
    await ask(this.#connection, { method: 'DELETE', path });
  }

  /** Server-sent status, as bytes, until `signal` aborts. Of every namespace the person may read, or of one. */
  async events(signal: AbortSignal, namespace?: string): Promise<ReadableStream<Uint8Array>> {
    const query = namespace === undefined ? '' : `?namespace=${segment(namespace)}`;
    const response = await ask(this.#connection, { method: 'GET', path: `/v1/events${query}`, signal });
    return response.body ?? new ReadableStream();
  }

  /** As `events`, of the builds of one project. */
  async buildEvents(key: ProjectKey, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const path = `${projectPath(key)}/release/build/events`;
    const response = await ask(this.#connection, { method: 'GET', path, signal });
    return response.body ?? new ReadableStream();
  }

  #json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#answer({ method, path, ...(body === undefined ? {} : { body }) });
  }

  async #answer<T>(request: ControllerRequest): Promise<T> {
    const response = await ask(this.#connection, request);
    return (await response.json()) as T;
  }
}

const segment = encodeURIComponent;
const projectsPath = (namespace: string): string => `/v1/tenants/${segment(namespace)}/projects`;
const projectPath = ({ namespace, name }: ProjectKey): string =>
  `${projectsPath(namespace)}/${segment(name)}`;
