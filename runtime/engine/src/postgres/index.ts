export * from './types.js';
export { createPostgresService, type PostgresServiceOptions } from './service.js';
