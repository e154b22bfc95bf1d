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

/**
 * `GET …/workspace/clone`: what became of the repository that a workspace begins with, as its sandbox says when asked.
 * All text is of the sandbox: whoever works there may have written it.
 */
export type CloneDto =
  /** The workspace begins with no repository, or has what it began with. */
  | { readonly state: 'settled' }
  | {
      readonly state: 'cloning';
      readonly url: string;
      /** Git's latest word on how far it is. */
      readonly progress?: string;
    }
  | {
      readonly state: 'failed';
      /** What could not be done, in a sentence. */
      readonly what: string;
      /** Git's last word about it, which may be a server's: for those who may change the project. */
      readonly why?: string;
      /** The workspace is empty, or all of the clone is there: the next start of the sandbox goes on. */
      readonly triedAgain: boolean;
      /** Whoever asks may change the project, and so do something about it. */
      readonly mayChange?: true;
    };
