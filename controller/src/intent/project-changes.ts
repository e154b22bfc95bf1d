import { randomBytes } from 'node:crypto';
import type { ProjectPlanInput } from '../contract/plan.js';
import type { CreateProjectInput, PatchProjectInput, PutEnvironmentInput } from '../contract/projects.js';
import type { ProjectAction } from '../contract/status.js';
import type { PutWorkspaceInput } from '../contract/workspace.js';
import type {
  Accepted,
  Author,
  ChangeRequest,
  Edit,
  IntentStore,
  IntentView,
  ProjectKey,
} from '../model/intent.js';
import { createProject, keyOfNew, type NewProject } from './decisions/create-project.js';
import { createTenant } from './decisions/create-tenant.js';
import type { FormBase } from './decisions/form-change.js';
import { patchProject } from './decisions/patch-project.js';
import { putEnvironment } from './decisions/put-environment.js';
import { putWorkspace } from './decisions/put-workspace.js';
import { purgeProject, requireConfirmation } from './decisions/purge.js';
import type { RandomBytes } from './decisions/random.js';
import { setState } from './decisions/set-state.js';
import { seal, type Seal } from './sealing.js';

export interface ProjectChangesDeps {
  readonly store: Pick<IntentStore, 'change' | 'preview' | 'projectVersion'>;
  readonly now: () => Date;
  readonly random?: RandomBytes;
  readonly seal?: Seal;
}

interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

const SUBJECTS: Readonly<Record<ProjectAction, string>> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  delete: 'Delete',
  restore: 'Restore',
};

/** Each thing a person can ask for, as one commit on `main`. Rejects with an AppError where it is refused. */
export class GitProjectChanges {
  readonly #create: (view: IntentView, project: NewProject) => readonly Edit[];
  readonly #putEnvironment: ReturnType<typeof putEnvironment>;

  constructor(private readonly deps: ProjectChangesDeps) {
    const sealing = deps.seal ?? seal;
    this.#create = createProject({ random: deps.random ?? randomBytes, seal: sealing });
    this.#putEnvironment = putEnvironment(sealing);
  }

  createTenant(asked: Asked, tenant: { namespace: string; displayName: string }): Promise<Accepted> {
    return this.#change(asked, {
      action: 'create-tenant',
      subject: `Create namespace ${tenant.namespace}`,
      decide: (view) => createTenant(view, { ...tenant, owner: asked.author.id }),
    });
  }

  async create(
    asked: Asked,
    project: { namespace: string; input: CreateProjectInput },
  ): Promise<Accepted & { key: ProjectKey }> {
    const key = keyOfNew(project);
    const decide = (view: IntentView): readonly Edit[] => this.#create(view, project);
    const accepted = await this.#change(asked, {
      action: 'create',
      subject: `Create ${key.name}`,
      project: key,
      decide,
    });
    return { ...accepted, key };
  }

  async patch(
    asked: Asked,
    { key, input }: { key: ProjectKey; input: PatchProjectInput },
  ): Promise<Accepted> {
    const base = await this.#baseOf(key, input.version);
    const subject = input.database === true ? `Add a database to ${key.name}` : `Change ${key.name}`;
    return this.#change(asked, {
      action: 'change',
      subject,
      project: key,
      decide: (view) => patchProject(view, key, { input, base }),
    });
  }

  act(asked: Asked, { key, action }: { key: ProjectKey; action: ProjectAction }): Promise<Accepted> {
    return this.#change(asked, {
      action,
      subject: `${SUBJECTS[action]} ${key.name}`,
      project: key,
      decide: (view) => setState(view, { key, action, at: this.deps.now() }),
    });
  }

  /** What a change would write. Throws as the change would. */
  async plan({ key, input }: { key: ProjectKey; input: ProjectPlanInput }): Promise<readonly Edit[]> {
    return this.deps.store.preview(await this.#decisionOf(key, input));
  }

  async #decisionOf(key: ProjectKey, input: ProjectPlanInput): Promise<ChangeRequest['decide']> {
    if ('action' in input)
      return (view) => setState(view, { key, action: input.action, at: this.deps.now() });
    if ('change' in input) {
      const base = await this.#baseOf(key, input.change.version);
      return (view) => patchProject(view, key, { input: input.change, base });
    }
    const base = await this.#baseOf(key, input.environment.version);
    return (view) => this.#putEnvironment(view, key, { input: input.environment, base });
  }

  /** Throws VALIDATION_FAILED where `confirm` is not the project's name. */
  async purge(
    asked: Asked,
    { key, confirm }: { key: ProjectKey; confirm: string | undefined },
  ): Promise<Accepted> {
    requireConfirmation(key, confirm);
    return this.#change(asked, {
      action: 'purge',
      subject: `Remove ${key.name} for ever`,
      project: key,
      decide: (view) => purgeProject(view, key, this.deps.now()),
    });
  }

  async putEnvironment(
    asked: Asked,
    { key, input }: { key: ProjectKey; input: PutEnvironmentInput },
  ): Promise<Accepted> {
    const base = await this.#baseOf(key, input.version);
    return this.#change(asked, {
      action: 'environment',
      subject: `Change the variables of ${key.name}`,
      project: key,
      decide: (view) => this.#putEnvironment(view, key, { input, base }),
    });
  }

  async putWorkspace(
    asked: Asked,
    { key, input }: { key: ProjectKey; input: PutWorkspaceInput },
  ): Promise<Accepted> {
    const base = await this.#baseOf(key, input.version);
    return this.#change(asked, {
      action: 'workspace',
      subject: `Change what the workspace of ${key.name} begins with`,
      project: key,
      decide: (view) => putWorkspace(view, key, { input, base }),
    });
  }

  /** Read before the decision, which cannot wait: by then another version may stand, and this one is history. */
  async #baseOf(key: ProjectKey, version: string | undefined): Promise<FormBase | undefined> {
    if (version === undefined) return undefined;
    return { version, document: await this.deps.store.projectVersion(key, version) };
  }

  #change(
    { author, requestId }: Asked,
    change: Omit<ChangeRequest, 'author' | 'requestId'>,
  ): Promise<Accepted> {
    return this.deps.store.change({ ...change, author, requestId });
  }
}
