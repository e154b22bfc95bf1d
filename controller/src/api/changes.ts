import type { ProjectPlanInput } from '../contract/plan.js';
import type { CreateProjectInput, PatchProjectInput, PutEnvironmentInput } from '../contract/projects.js';
import type { ProjectAction } from '../contract/status.js';
import type { PutWorkspaceInput } from '../contract/workspace.js';
import type { Accepted, Author, Edit, ProjectKey } from '../model/intent.js';

/** Who asks, and under which request id: the commit's author and trailer. */
export interface Asked {
  readonly author: Author;
  readonly requestId: string;
}

/**
 * The changes people can ask for, each one commit on `main`. Implemented with the intent stage's decisions by the
 * composition root; throws AppError to refuse.
 */
export interface ProjectChanges {
  createTenant(asked: Asked, tenant: { namespace: string; displayName: string }): Promise<Accepted>;
  create(
    asked: Asked,
    project: { namespace: string; input: CreateProjectInput },
  ): Promise<Accepted & { key: ProjectKey }>;
  patch(asked: Asked, project: { key: ProjectKey; input: PatchProjectInput }): Promise<Accepted>;
  act(asked: Asked, project: { key: ProjectKey; action: ProjectAction }): Promise<Accepted>;
  /** What a change would write. */
  plan(project: { key: ProjectKey; input: ProjectPlanInput }): Promise<readonly Edit[]>;
  purge(asked: Asked, project: { key: ProjectKey; confirm: string | undefined }): Promise<Accepted>;
  putEnvironment(asked: Asked, project: { key: ProjectKey; input: PutEnvironmentInput }): Promise<Accepted>;
  putWorkspace(asked: Asked, project: { key: ProjectKey; input: PutWorkspaceInput }): Promise<Accepted>;
}
