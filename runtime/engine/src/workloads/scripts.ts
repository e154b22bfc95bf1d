import { join } from 'node:path';

/** Files of the sandbox image, by what they are for: paths on this machine, or in a sandbox. */
export interface Scripts {
  /** The start of every shell. */
  readonly bashrc: string;
  /** What a volume is prepared by at each start of a sandbox. */
  readonly prepareWorkspace: string;
}

/** `folder`: the image's, `runtime`. */
export const scriptsIn = (folder: string): Scripts => ({
  bashrc: join(folder, '.bashrc'),
  prepareWorkspace: join(folder, 'prepare-workspace.sh'),
});
