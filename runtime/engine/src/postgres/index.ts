export * from './types.js';
export { createPostgresService, type PostgresServiceOptions } from './service.js';
export { copyDatabase, type DatabaseFolder } from './live-copy.js';
export { unprivilegedUser } from './identity.js';
export { BackupStore, type BackupKind, type KeptBackup } from './backup-store.js';
