export { Confinement, type Loss } from './confinement.js';
export { openLimits, RESOURCES, type Amounts, type Resource } from './limits.js';
export { limitedPlace, type LimitedPlace } from './limited.js';
export { isShown, programBinds } from './layout.js';
export { isolationNotice } from './notice.js';
export { SandboxNetwork } from './network.js';
export { openRlimits } from './rlimits.js';
export { probeIsolation } from './probe.js';
export type { Bind, Bubblewrap, Command, Isolation, Limiting } from './types.js';
