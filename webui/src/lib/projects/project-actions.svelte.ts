import type { ChangeDto, ProjectAction } from '@fullstackagent/controller/contract';
import { toast } from 'svelte-sonner';
import { api, messageOf, type Result } from '../api.js';
import type { LiveProjects } from '../status/live.svelte.js';
import { projectApi } from './paths.js';

const done: Readonly<Record<ProjectAction, string>> = {
  start: 'Starting.',
  stop: 'Stopping. Files and data stay.',
  restart: 'Restarting.',
  delete: 'Deleted. It can be restored.',
  restore: 'Restoring.',
};

/** The lifecycle of one project: one request at a time, so that no button can be pressed twice. */
export class ProjectActions {
  pending = $state<ProjectAction>();
  readonly #key: () => string;
  readonly #live: LiveProjects;

  constructor(key: () => string, live: LiveProjects) {
    this.#key = key;
    this.#live = live;
  }

  /** @returns whether the change was accepted. */
  async run(action: ProjectAction): Promise<boolean> {
    if (this.pending !== undefined) return false;
    this.pending = action;
    const result = await this.#send(action);
    this.pending = undefined;
    if (!result.ok) {
      toast.error(messageOf(result.failure));
      return false;
    }
    this.#live.put(result.value.project);
    toast.success(done[action], { description: `Commit ${result.value.commit.slice(0, 7)}` });
    return true;
  }

  #send(action: ProjectAction): Promise<Result<ChangeDto>> {
    return action === 'delete'
      ? api<ChangeDto>('DELETE', projectApi(this.#key()))
      : api<ChangeDto>('POST', projectApi(this.#key(), action));
  }
}
