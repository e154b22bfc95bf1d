import type { ChangeDto, ProjectAction } from '@fullstackagent/controller/contract';
import { toast } from 'svelte-sonner';
import { api, fieldErrors, messageOf, type Result } from '../api.js';
import type { LiveProjects } from '../status/live.svelte.js';
import { projectApi } from './paths.js';

const done: Readonly<Record<ProjectAction, string>> = {
  start: 'Starting.',
  stop: 'Stopping. Files and data stay.',
  restart: 'Restarting.',
  delete: 'Deleted. It can be restored.',
  restore: 'Restoring.',
};

/** What this page can ask for: the lifecycle, and removing a project for ever. */
type Asked = ProjectAction | 'purge';

/** The lifecycle of one project: one request at a time, so that no button can be pressed twice. */
export class ProjectActions {
  pending = $state<Asked>();
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

  /** For ever, data included. @returns why not, or undefined where it was accepted. `confirm`: the name that was typed. */
  async purge(confirm: string): Promise<string | undefined> {
    if (this.pending !== undefined) return undefined;
    this.pending = 'purge';
    const result = await api<ChangeDto>('DELETE', `${projectApi(this.#key())}?purge=now`, { confirm });
    this.pending = undefined;
    if (!result.ok) return fieldErrors(result.failure)['confirm'] ?? messageOf(result.failure);
    this.#live.put(result.value.project);
    toast.success('Being removed for ever.', { description: `Commit ${result.value.commit.slice(0, 7)}` });
    return undefined;
  }

  #send(action: ProjectAction): Promise<Result<ChangeDto>> {
    return action === 'delete'
      ? api<ChangeDto>('DELETE', projectApi(this.#key()))
      : api<ChangeDto>('POST', projectApi(this.#key(), action));
  }
}
