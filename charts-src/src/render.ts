import { App, type Chart } from 'cdk8s';
import { projectContext, type ProjectContext } from './charts/common.js';
import { DatabaseAccessChart } from './charts/database-access.js';
import { DatabaseChart } from './charts/database.js';
import { DeliveryChart } from './charts/delivery.js';
import { ExposureChart } from './charts/exposure.js';
import { ReleaseChart } from './charts/release.js';
import { SandboxChart, WorkspaceChart } from './charts/sandbox.js';
import { SecretsChart } from './charts/secrets.js';
import { TenantChart, tenantContext } from './charts/tenant.js';
import type { PlatformDocument, ProjectDocument, TenantDocument } from './documents/index.js';
import { RenderError } from './errors.js';
import { toYaml } from './yaml.js';

/** What `platform.yaml` names as the renderer in force, and rendered commits carry as `Renderer:`. */
export const RENDERER_VERSION = '1';

/** File name to text, sorted by file name: one file an object. */
export type Manifests = ReadonlyMap<string, string>;

/**
 * All of a project's objects, a pure function of its arguments. Throws {@link RenderError} where the documents do not
 * fit together. A deleted project keeps its data: the volume and the stopped database, and nothing that runs. A purge lifts
 * their protection first, and leaves nothing then.
 *
 * @param input.intent Blob id of the Project document.
 */
export function renderProject(input: {
  readonly platform: PlatformDocument;
  readonly project: ProjectDocument;
  readonly intent: string;
}): Manifests {
  const context = projectContext(input.platform, input.project, input.intent);
  // An App for each project: many charts in one App cost more than their sum.
  const app = new App();
  return manifests([
    ...(context.spec.purge === 'Remove' ? [] : dataCharts(app, context)),
    ...(context.spec.state === 'Deleted' ? [] : runCharts(app, context)),
  ]);
}

/**
 * What operators keep for a project, in a folder that no account of a tenant's applies: who may reach its database, and the
 * applier's own object for the project's folder, where the platform's applier needs one. A deleted project keeps both as
 * long as it keeps its data. They go when the folder does: that is what makes the applier clear up.
 */
export function renderDelivery(input: {
  readonly platform: PlatformDocument;
  readonly project: ProjectDocument;
}): Manifests {
  const { delivery } = input.platform.spec;
  const { metadata, spec } = input.project;
  if (spec.purge === 'Remove') return new Map();
  const context = { project: metadata.name, namespace: metadata.namespace };
  const app = new App();
  return manifests([
    ...(spec.database === undefined ? [] : [new DatabaseAccessChart(app, 'database-access', context)]),
    ...(delivery === undefined
      ? []
      : [new DeliveryChart(app, 'delivery', { ...context, flux: delivery.flux })]),
  ]);
}

/** What belongs to the operators in a tenant's namespace. */
export function renderTenant(input: {
  readonly platform: PlatformDocument;
  readonly tenant: TenantDocument;
  readonly intent: string;
}): Manifests {
  const app = new App();
  return manifests([
    new TenantChart(app, 'tenant', tenantContext(input.platform, input.tenant, input.intent)),
  ]);
}

const dataCharts = (app: App, context: ProjectContext): Chart[] => [
  new WorkspaceChart(app, 'workspace', context),
  new DatabaseChart(app, 'database', context),
];

const runCharts = (app: App, context: ProjectContext): Chart[] => [
  new SecretsChart(app, 'secrets', context),
  new SandboxChart(app, 'sandbox', context),
  new ExposureChart(app, 'exposure', context),
  new ReleaseChart(app, 'release', context),
];

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** What a reader looks for first; everything else follows by name, in code units and never in the locale's order. */
const FIRST_KEYS: readonly string[] = ['apiVersion', 'kind', 'metadata', 'name', 'namespace'];

/** One order of keys for one content: cdk8s' own depends on the environment (`CDK8S_DISABLE_SORT`). */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields);
  const first = FIRST_KEYS.filter((key) => Object.hasOwn(fields, key));
  const rest = keys.filter((key) => !FIRST_KEYS.includes(key)).sort();
  return Object.fromEntries([...first, ...rest].map((key) => [key, inOrder(fields[key])]));
}

function manifests(charts: readonly Chart[]): Manifests {
  const files = new Map<string, string>();
  for (const object of charts.flatMap((chart) => chart.toJson() as KubernetesObject[])) {
    const file = `${object.kind.toLowerCase()}-${object.metadata.name}.yaml`;
    if (files.has(file)) throw new RenderError(`Two objects would be in one file, ${file}.`);
    files.set(file, toYaml(inOrder(object)));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}
