import type { Limits } from './limits.js';
import type { Rlimits } from './rlimits.js';

/** How sandboxes are kept apart on this machine. */
export type Isolation = NoIsolation | Bubblewrap;

/** How much each sandbox may take; undefined: that cannot be limited this way here. */
export interface Limiting {
  /** By control groups, for all processes of a sandbox together. */
  readonly limits?: Limits | undefined;
  /** By the limits of single processes, for what control groups do not take care of. */
  readonly rlimits?: Rlimits | undefined;
}

export interface NoIsolation extends Limiting {
  readonly kind: 'none';
  /** What is missing, for people. */
  readonly reason: string;
}

export interface Bubblewrap extends Limiting {
  readonly kind: 'bubblewrap';
  readonly programs: Programs;
  /** The platform runs as root: each sandbox gets a user of its own. */
  readonly asRoot: boolean;
  /** Where a mount can be put together that nobody else sees; only as root. */
  readonly stage: string;
  /** Sandboxes have a network of their own; undefined where the machine's is shared, with why. */
  readonly network: { readonly own: true } | { readonly own: false; readonly reason: string };
}

/** Absolute paths. */
export interface Programs {
  readonly bwrap: string;
  readonly nsenter: string;
  readonly setpriv: string;
  readonly unshare: string;
  readonly sh: string;
  readonly pasta: string | undefined;
}

/** A folder or file of this machine, and where the sandbox sees it. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A program and its arguments, as it has to be started on this machine to run in a sandbox. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}
