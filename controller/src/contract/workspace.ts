import { workspaceSchema, type Workspace } from '@fullstackagent/charts/documents';
import { z } from 'zod';

/** `PUT …/workspace`: all of it; what is left out is not there any more. */
export const putWorkspaceInput = z.strictObject({
  workspace: workspaceSchema,
  /** The version the form was made from; a stale one is answered with STALE_VERSION. */
  version: z.string().optional(),
});
export type { Workspace };

export interface PutWorkspaceInput {
  readonly workspace: Workspace;
  readonly version?: string | undefined;
}

export interface WorkspaceDto {
  readonly workspace: Workspace;
  /** Blob id of the document: send it back with a change. */
  readonly version: string;
}
