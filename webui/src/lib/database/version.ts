import type { PlatformDto, ProjectDto } from '@fullstackagent/controller/contract';
import { bytesText } from '../format.js';

type Database = NonNullable<ProjectDto['database']>;

/** The version that runs where it is not the one that the project names; undefined where they agree. */
export function otherVersion(
  { version }: Pick<Database, 'version'>,
  { databasesRun }: Pick<PlatformDto, 'databasesRun'>,
): string | undefined {
  return databasesRun?.split('.')[0] === version.split('.')[0] ? undefined : databasesRun;
}

/** "Version 16, 10 GiB disk", or what runs instead. */
export function databaseDetail(
  database: Pick<Database, 'version' | 'storage'>,
  platform: Pick<PlatformDto, 'databasesRun'>,
): string {
  const other = otherVersion(database, platform);
  const version = other === undefined ? database.version : `${other} (the project names ${database.version})`;
  return `Version ${version}, ${bytesText(database.storage)} disk`;
}
