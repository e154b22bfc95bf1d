export { openRepository, type RepositoryOptions } from './repository.js';
export { plainProjection } from './plain-projection.js';
