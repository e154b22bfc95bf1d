import type { ProjectDto } from '@fullstackagent/controller/contract';
import { createContext } from 'svelte';
import type { ProjectActions } from './project-actions.svelte.js';

/** The project that the page is about, as live as it is known. Read the fields where they are used: they change. */
export interface ProjectContext {
  readonly project: ProjectDto;
  /** `:id` of addresses. */
  readonly key: string;
  readonly actions: ProjectActions;
}

export const [getProject, setProject] = createContext<ProjectContext>();
