import { randomBytes } from 'node:crypto';
import type { CreateProjectInput, PatchProjectInput, PutEnvironmentInput } from '../contract/projects.js';
import type { ProjectAction } from '../contract/status.js';
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
import { patchProject } from './decisions/patch-project.js';
import { putEnvironment } from './decisions/put-environment.js';
import type { RandomBytes } from './decisions/random.js';
import { setState } from './decisions/set-state.js';
import { seal, type Seal } from './sealing.js';

export interface ProjectChangesDeps {
  readonly store: Pick<IntentStore, 'change'>;
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

  patch(asked: Asked, { key, input }: { key: ProjectKey; input: PatchProjectInput }): Promise<Accepted> {
    const subject = input.database === true ? `Add a database to ${key.name}` : `Change ${key.name}`;
    return this.#change(asked, {
      action: 'change',
      subject,
      project: key,
      decide: (view) => patchProject(view, key, input),
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

  putEnvironment(
    asked: Asked,
    { key, input }: { key: ProjectKey; input: PutEnvironmentInput },
  ): Promise<Accepted> {
    return this.#change(asked, {
      action: 'environment',
      subject: `Change the variables of ${key.name}`,
      project: key,
      decide: (view) => this.#putEnvironment(view, key, input),
    });
  }

  #change(
    { author, requestId }: Asked,
    change: Omit<ChangeRequest, 'author' | 'requestId'>,
  ): Promise<Accepted> {
    return this.deps.store.change({ ...change, author, requestId });
  }
}
