import type { ProposalDto, RemoteDto } from '../contract/remote.js';
import type { Accepted } from '../model/intent.js';
import type { Asked } from './changes.js';

/** A repository somewhere else that is kept the same as this one. Implemented by `remote/`. */
export interface RemoteDesk {
  shown(): Promise<RemoteDto>;
  /** Talks to it now. Answers when that was tried. */
  sync(): Promise<void>;
  /** Throws ACTION_NOT_ALLOWED where its history was not rewritten. */
  acceptUpstream(): Promise<void>;
  /** Throws ACTION_NOT_ALLOWED where nobody else pushed to `rendered`. */
  keepRendered(): Promise<void>;
  news(): void;
}

/** Changes made elsewhere that wait for a person. Those about an id throw NOT_FOUND where nobody has to decide (any more). */
export interface ProposalDesk {
  list(): Promise<readonly ProposalDto[]>;
  pathOf(id: string): Promise<string>;
  accept(asked: Asked, id: string): Promise<Accepted>;
  dismiss(asked: Asked, id: string): Promise<Accepted>;
}
