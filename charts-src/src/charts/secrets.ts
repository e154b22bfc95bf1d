import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { customObject, projectMeta, type ProjectContext } from './common.js';

const NAMESPACE_WIDE = { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } as const;

/** The terminal's token and the user's variables: plain ones in a ConfigMap, sealed ones as ciphertext only. */
export class SecretsChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { names, spec } = context;
    this.#sealed(context, 'terminal', {
      name: names.terminal,
      data: { TTYD_ACCESS_TOKEN: spec.terminal.sealedToken },
    });
    new k8s.KubeConfigMap(this, 'env', {
      metadata: projectMeta(context, { name: names.env, component: 'environment' }),
      data: sortedByName(spec.env.flatMap((entry) => ('value' in entry ? [[entry.name, entry.value]] : []))),
    });
    const sealed = spec.env.flatMap((entry) =>
      'sealed' in entry ? [[entry.name, entry.sealed] as const] : [],
    );
    if (sealed.length > 0)
      this.#sealed(context, 'sealed-env', { name: names.env, data: sortedByName(sealed) });
  }

  #sealed(
    context: ProjectContext,
    id: string,
    secret: { name: string; data: Readonly<Record<string, string>> },
  ): void {
    const component = id === 'terminal' ? 'terminal' : 'environment';
    const metadata = projectMeta(context, { name: secret.name, component, annotations: NAMESPACE_WIDE });
    customObject(this, id, {
      apiVersion: 'bitnami.com/v1alpha1',
      kind: 'SealedSecret',
      metadata,
      spec: {
        encryptedData: secret.data,
        template: { type: 'Opaque', metadata: { labels: metadata.labels } },
      },
    });
  }
}

/** One order whatever the document's: moving a row in a form changes nothing in the cluster. */
function sortedByName(entries: readonly (readonly [string, string] | string[])[]): Record<string, string> {
  const byName = [...entries].sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(byName) as Record<string, string>;
}
