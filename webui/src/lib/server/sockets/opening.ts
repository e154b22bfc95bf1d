import type { Credential } from '../users.js';
import type { Target } from './dial.js';

/** A WebSocket that somebody may open, as far as the portal knows: the controller is asked next. */
export interface Opening {
  /** What it speaks, here and to the controller. */
  readonly protocol: string;
  /** What it is opened with, and ends with. */
  readonly credentials: readonly Credential[];
  readonly target: Target;
  /** What the person reads when one of the credentials ends. */
  readonly endedWords: string;
  /** It is open now. Answers what has to be called when it is over. */
  readonly arrived: () => () => void;
}

/** What stands in an address; what is no text stays as it is, and is then no project's name. */
export function decoded(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}
