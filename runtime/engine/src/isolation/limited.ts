import type { Amounts } from './limits.js';
import type { Command, Limiting } from './types.js';

/** What is started here takes no more than it may, as far as this machine can see to that. */
export interface LimitedPlace {
  readonly inside: (command: Command) => Command;
  /** Its processes have ended or are about to. */
  readonly remove: () => Promise<void>;
}

/** `name`: unique in the installation. `amounts`: undefined where there are none. */
export async function limitedPlace(
  { limits, rlimits }: Limiting,
  {
    name,
    sh,
    amounts,
  }: { readonly name: string; readonly sh: string; readonly amounts: Amounts | undefined },
): Promise<LimitedPlace> {
  if (amounts === undefined) return { inside: (command) => command, remove: () => Promise.resolve() };
  const [group, limited] = await Promise.all([limits?.group(name, amounts), rlimits?.of(amounts)]);
  return {
    inside: (command) => {
      const alone = limited?.(command) ?? command;
      return group?.inside(sh, alone) ?? alone;
    },
    remove: async () => group?.remove(),
  };
}
