export * from './types.js';
export { createPostgresService, type PostgresServiceOptions } from './service.js';
export { copyDatabase, type DatabaseFolder } from './live-copy.js';
export { unprivilegedUser } from './identity.js';
