export { ContainerLog } from './container-log.js';
export { removeOldLogs } from './log-folders.js';
export { LineSplitter } from './line-splitter.js';
export type { LogLine } from './log-line.js';
