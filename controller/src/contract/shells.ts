/** A shell of a sandbox that runs, whether somebody looks at it or not. */
export interface ShellDto {
  /** Its terminal session: what a terminal is opened with. */
  readonly session: string;
  /** The program in front: the shell itself where it waits for a command. */
  readonly program: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export interface ShellsDto {
  /** Oldest first. */
  readonly shells: readonly ShellDto[];
}
