export * from './documents/index.js';
export * from './names.js';
export * from './documents/json-schemas.js';
export * from './documents/read-write.js';
export * from './errors.js';
export * from './render.js';
export { fromYaml, toYaml } from './yaml.js';
