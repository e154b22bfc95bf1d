export { readConfig, type EngineConfig } from './config.js';
export { Engine } from './engine.js';
