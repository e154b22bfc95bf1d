import {
  renderedProjectDir,
  renderedTenantDir,
  type PlatformDocument,
  type ProjectDocument,
  type TenantDocument,
} from '@fullstackagent/charts';
import type { Versioned } from '../model/intent.js';
import type { Charts } from './charts.js';
import type { RenderedFolder } from './folder.js';

export type Rendering = { readonly rendered: RenderedFolder } | { readonly problem: string };

/** One project's folder. A document that the charts refuse is an answer, not an exception: others go on. */
export function renderProjectFolder(
  charts: Charts,
  platform: PlatformDocument,
  { document, version }: Versioned<ProjectDocument>,
): Rendering {
  const { namespace, name } = document.metadata;
  return attempt(renderedProjectDir(namespace, name), () =>
    charts.project({ platform, project: document, intent: version }),
  );
}

export function renderTenantFolder(
  charts: Charts,
  platform: PlatformDocument,
  { document, version }: Versioned<TenantDocument>,
): Rendering {
  return attempt(renderedTenantDir(document.metadata.name), () =>
    charts.tenant({ platform, tenant: document, intent: version }),
  );
}

function attempt(folder: string, render: () => ReadonlyMap<string, string>): Rendering {
  try {
    return { rendered: { folder, files: render() } };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
