export { RegistryError } from './errors.js';
export { pushImage, type PushProgress, type PushRequest } from './push-image.js';
export type { ImageLayout } from './layout.js';
