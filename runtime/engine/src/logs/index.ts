export { ContainerLog } from './container-log.js';
export { removeOldLogs } from './log-folders.js';
export type { LogLine } from './log-line.js';
