import { renderDelivery, renderProject, renderTenant } from '@fullstackagent/charts';

/** The charts, as an argument: a test puts others in their place, of which it knows what they do. */
export interface Charts {
  /** File name -> YAML. Pure. Throws an Error that says what in the documents does not fit together. */
  readonly project: typeof renderProject;
  readonly tenant: typeof renderTenant;
  /** What operators keep for a project, in a folder apart; may be nothing. */
  readonly delivery: typeof renderDelivery;
}

export const charts: Charts = {
  project: renderProject,
  tenant: renderTenant,
  delivery: renderDelivery,
};
