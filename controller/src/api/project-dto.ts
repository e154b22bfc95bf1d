import type { PlatformDocument, ProjectDocument } from '@fullstackagent/charts';
import type { EnvironmentDto, ProjectDto, ProjectUrls } from '../contract/projects.js';
import type { ProjectStatusDto } from '../contract/status.js';
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
    urls: urlsOf(spec.host, installation),
    version: project.version,
  };
}

function urlsOf(
  host: string,
  { platform, scheme }: { platform: PlatformDocument; scheme: AddressScheme },
): ProjectUrls {
  const { domain, tls } = platform.spec.exposure;
  const protocol = tls.mode === 'none' ? 'http' : 'https';
  const port = scheme.appsPort === undefined ? '' : `:${scheme.appsPort}`;
  return {
    app: `${protocol}://${host}.${domain}${port}`,
    terminal: `${protocol}://${host}-ttyd.${domain}${port}`,
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;

function restorable(deletedAt: string | undefined, platform: PlatformDocument): string | undefined {
  if (deletedAt === undefined) return undefined;
  const until = new Date(Date.parse(deletedAt) + platform.spec.retention.deletedDays * DAY_MS);
  return until.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Secrets are write-only: a sealed value is named, never given back. */
export function environmentDto({ document, version }: Versioned<ProjectDocument>): EnvironmentDto {
  return {
    version,
    variables: document.spec.env.map((variable) =>
      'value' in variable
        ? { name: variable.name, secret: false, value: variable.value }
        : { name: variable.name, secret: true },
    ),
  };
}
