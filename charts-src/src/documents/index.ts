export * from './agent.js';
export * from './api-version.js';
export type { Visibility } from './exposure.js';
export * from './names.js';
export * from './paths.js';
export * from './platform.js';
export * from './project.js';
export * from './tenant.js';
export * from './variables.js';
