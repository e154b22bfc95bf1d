import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { PORTS } from '../names.js';
import { projectMeta, type ProjectContext } from './common.js';

interface Route {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** One Ingress for the app, one for the terminal, one for each further port; nothing else can be reached. */
export class ExposureChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    for (const route of routes(context)) this.#ingress(context, route);
  }

  #ingress(context: ProjectContext, { id, name, host, port }: Route): void {
    const { ingressClass, tls } = context.platform.exposure;
    const secretName = { none: undefined, wildcard: wildcardSecret(context), 'cert-manager': `${name}-tls` }[
      tls.mode
    ];
    new k8s.KubeIngress(this, id, {
      metadata: projectMeta(context, { name, component: 'exposure', annotations: annotations(context) }),
      spec: {
        ingressClassName: ingressClass,
        ...(secretName === undefined ? {} : { tls: [{ hosts: [host], secretName }] }),
        rules: [
          {
            host,
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: context.names.sandbox, port: { number: port } } },
                },
              ],
            },
          },
        ],
      },
    });
  }
}

function routes({ names, spec, platform }: ProjectContext): readonly Route[] {
  const { domain } = platform.exposure;
  return [
    { id: 'app', name: names.appIngress, host: `${spec.host}.${domain}`, port: PORTS.app },
    { id: 'ttyd', name: names.terminalIngress, host: `${spec.host}-ttyd.${domain}`, port: PORTS.terminal },
    ...(spec.sandbox.ports ?? []).map(({ name, port }) => ({
      id: `port-${name}`,
      name: `${names.sandbox}--port-${name}`,
      host: `${spec.host}-${name}.${domain}`,
      port,
    })),
  ];
}

const wildcardSecret = ({ platform: { exposure } }: ProjectContext): string | undefined =>
  exposure.tls.mode === 'wildcard' ? exposure.tls.secretName : undefined;

/**
 * WebSockets live for hours. No snippet annotations: ingress-nginx refuses them, and a tenant's text in one would be
 * configuration (reference, trap 9).
 */
function annotations({ platform: { exposure } }: ProjectContext): Record<string, string> {
  return {
    ...(exposure.tls.mode === 'cert-manager'
      ? { 'cert-manager.io/cluster-issuer': exposure.tls.clusterIssuer }
      : {}),
    'nginx.ingress.kubernetes.io/proxy-body-size': '0',
    'nginx.ingress.kubernetes.io/proxy-read-timeout': '3600',
    'nginx.ingress.kubernetes.io/proxy-send-timeout': '3600',
  };
}
