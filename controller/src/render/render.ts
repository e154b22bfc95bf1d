import {
  renderedDeliveryDir,
  renderedProjectDir,
  renderedTenantDir,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import type { Versioned } from '../model/intent.js';
import type { Charts } from './charts.js';
import type { RenderedFolder } from './folder.js';

/** All the folders that a document renders to: they change together, or none of them. */
export type Rendering = { readonly folders: readonly RenderedFolder[] } | { readonly problem: string };

/** One project's folder, and what operators keep for it. A document that the charts refuse is an answer, not an exception: others go on. */
export function renderProjectFolder(
  charts: Charts,
  platform: PlatformDocument,
  { document, version }: Versioned<ProjectDocument>,
): Rendering {
  const { namespace, name } = document.metadata;
  return attempt(() => [
    {
      folder: renderedProjectDir(namespace, name),
      files: charts.project({ platform, project: document, intent: version }),
    },
    { folder: renderedDeliveryDir(namespace, name), files: charts.delivery({ platform, project: document }) },
  ]);
}

export function renderTenantFolder(
  charts: Charts,
  platform: PlatformDocument,
  { document, version }: Versioned<TenantDocument>,
): Rendering {
  return attempt(() => [
    {
      folder: renderedTenantDir(document.metadata.name),
      files: charts.tenant({ platform, tenant: document, intent: version }),
    },
  ]);
}

function attempt(render: () => readonly RenderedFolder[]): Rendering {
  try {
    return { folders: render() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
