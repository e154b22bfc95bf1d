import { Chart } from 'cdk8s';
import type { Construct } from 'constructs';
import { projectMeta, type ProjectContext } from './common.js';
import { SealedSecret, UserConfigMap, type UserData } from './user-data.js';

/** Not bound to a Secret's name: what was sealed once stays readable when an object is called otherwise one day. */
const NAMESPACE_WIDE = { 'sealedsecrets.bitnami.com/namespace-wide': 'true' } as const;

/** The terminal's token and the user's variables: plain ones in a ConfigMap, sealed ones as ciphertext only. */
export class SecretsChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    const { names, spec } = context;
    const plain = spec.env.flatMap((entry) => ('value' in entry ? [[entry.name, entry.value] as const] : []));
    const sealed = spec.env.flatMap((entry) =>
      'sealed' in entry ? [[entry.name, entry.sealed] as const] : [],
    );
    new UserConfigMap(this, 'env', {
      metadata: projectMeta(context, { name: names.env, component: 'environment' }),
      data: Object.fromEntries(plain),
    });
    this.#sealed(context, {
      name: names.terminal,
      component: 'terminal',
      data: { TTYD_ACCESS_TOKEN: spec.terminal.sealedToken },
    });
    if (sealed.length > 0)
      this.#sealed(context, {
        name: names.env,
        component: 'environment',
        data: Object.fromEntries(sealed),
      });
  }

  #sealed(context: ProjectContext, secret: { name: string; component: string; data: UserData }): void {
    const { name, component, data } = secret;
    const metadata = projectMeta(context, { name, component, annotations: NAMESPACE_WIDE });
    new SealedSecret(this, component === 'terminal' ? 'terminal' : 'sealed-env', {
      metadata,
      template: { type: 'Opaque', metadata: { labels: metadata.labels } },
      encryptedData: data,
    });
  }
}
