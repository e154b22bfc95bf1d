export * from './conflict.js';
export * from './errors.js';
export * from './operations.js';
export * from './plan.js';
export * from './projects.js';
export * from './status.js';
export * from './token.js';
export * from './terminal.js';
