export * from './documents/index.js';
export * from './names.js';
