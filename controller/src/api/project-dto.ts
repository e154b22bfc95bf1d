import {
  agentOf,
  type PlatformDocument,
  type ProjectDocument,
  type ProjectVariable,
} from '@fullstackagent/charts';
import type {
  EnvironmentDto,
  EnvironmentVariableDto,
  ProjectDto,
  ProjectUrls,
} from '../contract/projects.js';
import type { ProjectStatusDto } from '../contract/status.js';
import type { WorkspaceDto } from '../contract/workspace.js';
import type { Versioned } from '../model/intent.js';

/** How app addresses are written: `appsPort` where the ingress does not listen on the scheme's own port. */
export interface AddressScheme {
  readonly appsPort?: number;
}

export function projectDto(
  project: Versioned<ProjectDocument>,
  status: ProjectStatusDto,
  installation: { platform: PlatformDocument; scheme: AddressScheme },
): ProjectDto {
  const { metadata, spec } = project.document;
  const purging = spec.purge !== undefined;
  const restorableUntil = purging ? undefined : restorable(spec.deletedAt, installation.platform);
  return {
    ...status,
    id: metadata.name,
    namespace: metadata.namespace,
    displayName: spec.displayName,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    desiredState: spec.state,
    ...(spec.deletedAt === undefined ? {} : { deletedAt: spec.deletedAt }),
    ...(restorableUntil === undefined ? {} : { restorableUntil }),
    ...(purging ? { purging } : {}),
    preset: spec.sandbox.preset,
    image: spec.sandbox.image,
    storage: spec.sandbox.storage,
    ...(spec.database === undefined
      ? {}
      : {
          database: {
            version: spec.database.version,
            storage: spec.database.storage,
            preset: spec.database.preset,
          },
        }),
    agent: agentOf(installation.platform.spec, spec),
    urls: urlsOf(spec.host, installation),
    ...releaseOf(spec.release, installation),
    version: project.version,
  };
}

interface Installation {
  readonly platform: PlatformDocument;
  readonly scheme: AddressScheme;
}

function addressOf(label: string, { platform, scheme }: Installation): string {
  const { domain, tls } = platform.spec.exposure;
  const protocol = tls.mode === 'none' ? 'http' : 'https';
  const port = scheme.appsPort === undefined ? '' : `:${scheme.appsPort}`;
  return `${protocol}://${label}.${domain}${port}`;
}

const urlsOf = (host: string, installation: Installation): ProjectUrls => ({
  app: addressOf(host, installation),
  terminal: addressOf(`${host}-ttyd`, installation),
});

function releaseOf(
  release: ProjectDocument['spec']['release'],
  installation: Installation,
): Pick<ProjectDto, 'release'> {
  if (release === undefined) return {};
  const { image, replicas, host } = release;
  return { release: { image, replicas, url: addressOf(host, installation) } };
}

const DAY_MS = 24 * 60 * 60 * 1000;

function restorable(deletedAt: string | undefined, platform: PlatformDocument): string | undefined {
  if (deletedAt === undefined) return undefined;
  const until = new Date(Date.parse(deletedAt) + platform.spec.retention.deletedDays * DAY_MS);
  return until.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Apart from the project, which every open page is sent again and again: a system prompt can be long. */
export const workspaceDto = ({ document, version }: Versioned<ProjectDocument>): WorkspaceDto => ({
  workspace: document.spec.workspace ?? {},
  version,
});

/** Secrets are write-only: a sealed value is named, never given back. */
export function environmentDto({ document, version }: Versioned<ProjectDocument>): EnvironmentDto {
  return { version, variables: variablesDto(document.spec.env) };
}

export const variablesDto = (env: readonly ProjectVariable[]): EnvironmentVariableDto[] =>
  env.map((variable) =>
    'value' in variable
      ? { name: variable.name, secret: false, value: variable.value }
      : { name: variable.name, secret: true },
  );
