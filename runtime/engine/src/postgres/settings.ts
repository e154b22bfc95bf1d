import { createHash } from 'node:crypto';

/** Written into the template's postgresql.conf: defaults that fit a laptop, which a project may change (ALTER SYSTEM). */
export const templateSettings: Readonly<Record<string, string>> = {
  shared_buffers: '16MB',
  max_connections: '50',
  max_wal_size: '256MB',
  min_wal_size: '32MB',
  max_wal_senders: '2',
  max_replication_slots: '2',
  max_worker_processes: '2',
  max_logical_replication_workers: '0',
  max_parallel_workers: '0',
  max_parallel_workers_per_gather: '0',
  autovacuum_max_workers: '1',
  // No helper processes for reading: an idle server stays below 15 MB.
  io_method: 'sync',
  // The background writer looks five times a second for two minutes after the last use, by default.
  bgwriter_delay: '2s',
  jit: 'off',
  checkpoint_timeout: '15min',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
  password_encryption: 'scram-sha-256',
};

export interface ServerPlace {
  readonly dataFolder: string;
  readonly port: number;
}

/** Given on the command line, so that nothing inside the database can change them. */
export function serverArguments(place: ServerPlace): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(place.port),
    unix_socket_directories: '',
    fsync: 'on',
    full_page_writes: 'on',
    logging_collector: 'off',
    log_destination: 'stderr',
    cluster_name: clusterName(place.dataFolder),
  };
  return [
    '-D',
    place.dataFolder,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** Every process of a server carries this in its title: how a later life recognises what an earlier one left. */
export function clusterName(dataFolder: string): string {
  return `fsa-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 24)}`;
}
