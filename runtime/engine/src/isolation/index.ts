export { Confinement, type Loss } from './confinement.js';
export { openLimits, type Amounts } from './limits.js';
export { programBinds } from './layout.js';
export { isolationNotice } from './notice.js';
export { SandboxNetwork } from './network.js';
export { probeIsolation } from './probe.js';
export type { Bind, Bubblewrap, Command, Isolation } from './types.js';
