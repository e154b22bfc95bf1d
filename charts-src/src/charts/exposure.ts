import { Chart } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import type { PlatformDocument, Visibility } from '../documents/index.js';
import { PORTS } from '../names.js';
import { customObject, projectMeta, type ProjectContext } from './common.js';

/** One host name that leads to one port of one Service. */
export interface Route {
  readonly id: string;
  /** Of the Ingress or HTTPRoute. */
  readonly name: string;
  readonly host: string;
  readonly service: string;
  readonly port: number;
  readonly visibility: Visibility;
  /** Whose it is; absent: the sandbox's. */
  readonly app?: 'sandbox' | 'release';
}

type Exposure = PlatformDocument['spec']['exposure'];
type Gateway = NonNullable<Exposure['gateway']>;

/** One route for the app, one for the terminal, one for each further port; nothing else can be reached. */
export class ExposureChart extends Chart {
  constructor(scope: Construct, id: string, context: ProjectContext) {
    super(scope, id, { disableResourceNameHashes: true });
    for (const route of routes(context)) expose(this, context, route);
  }
}

/** The rest of the renderer does not know through what requests come in. */
export function expose(chart: Chart, context: ProjectContext, route: Route): void {
  const { gateway } = context.platform.exposure;
  if (gateway === undefined) ingress(chart, context, route);
  else httpRoute(chart, context, { route, gateway });
}

function routes({ names, spec, platform }: ProjectContext): readonly Route[] {
  const { domain, visibility } = platform.exposure;
  const service = names.sandbox;
  return [
    {
      id: 'app',
      name: names.appIngress,
      host: `${spec.host}.${domain}`,
      service,
      port: PORTS.app,
      visibility: spec.sandbox.visibility ?? visibility ?? 'members',
    },
    {
      id: 'ttyd',
      name: names.terminalIngress,
      host: `${spec.host}-ttyd.${domain}`,
      service,
      port: PORTS.terminal,
      visibility: 'members',
    },
    ...(spec.sandbox.ports ?? []).map((port) => ({
      id: `port-${port.name}`,
      name: `${names.sandbox}--port-${port.name}`,
      host: `${spec.host}-${port.name}.${domain}`,
      service,
      port: port.port,
      visibility: port.visibility,
    })),
  ];
}

function ingress(
  chart: Chart,
  context: ProjectContext,
  { id, name, host, service, port, visibility, app = 'sandbox' }: Route,
): void {
  const { exposure } = context.platform;
  const secretName = certificate(exposure, name);
  new k8s.KubeIngress(chart, id, {
    metadata: projectMeta(context, {
      name,
      component: 'exposure',
      app,
      annotations: annotations(exposure, visibility),
    }),
    spec: {
      ...(exposure.ingressClass === undefined ? {} : { ingressClassName: exposure.ingressClass }),
      ...(secretName === undefined ? {} : { tls: [{ hosts: [host], secretName }] }),
      rules: [
        {
          host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: service, port: { number: port } } },
              },
            ],
          },
        },
      ],
    },
  });
}

/** The Secret with the certificate: everybody's, or one of the route's own, which cert-manager makes. */
function certificate({ tls }: Exposure, name: string): string | undefined {
  if (tls.mode === 'wildcard') return tls.secretName;
  return tls.mode === 'cert-manager' ? `${name}-tls` : undefined;
}

const NGINX = 'nginx.ingress.kubernetes.io';

/**
 * WebSockets live for hours. No snippet annotations: ingress-nginx refuses them, and a tenant's text in one would be
 * configuration (reference, trap 9). Nothing of a project is in any of these.
 */
function annotations(
  { tls, forwardAuth, bodyLimit }: Exposure,
  visibility: Visibility,
): Readonly<Record<string, string>> {
  return {
    ...(tls.mode === 'cert-manager' ? { 'cert-manager.io/cluster-issuer': tls.clusterIssuer } : {}),
    ...(forwardAuth === undefined || visibility === 'public'
      ? {}
      : { [`${NGINX}/auth-url`]: forwardAuth.url, [`${NGINX}/auth-signin`]: forwardAuth.signIn }),
    // nginx writes `64m` where Kubernetes writes `64Mi`.
    [`${NGINX}/proxy-body-size`]: bodyLimit === undefined ? '0' : bodyLimit.slice(0, -1).toLowerCase(),
    [`${NGINX}/proxy-read-timeout`]: '3600',
    [`${NGINX}/proxy-send-timeout`]: '3600',
  };
}

/**
 * Gateway API v1. WebSockets need no field. A timeout counts a whole request here, not its silence: `0s` is none, or an
 * upload and a stream of events would be cut off. What the CRD fills in is written out.
 */
function httpRoute(
  chart: Chart,
  context: ProjectContext,
  { route, gateway }: { readonly route: Route; readonly gateway: Gateway },
): void {
  const { id, name, host, service, port, app = 'sandbox' } = route;
  customObject(chart, id, {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: projectMeta(context, { name, component: 'exposure', app }),
    spec: {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name: gateway.name,
          namespace: gateway.namespace,
          ...(gateway.sectionName === undefined ? {} : { sectionName: gateway.sectionName }),
        },
      ],
      hostnames: [host],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          backendRefs: [{ group: '', kind: 'Service', name: service, port, weight: 1 }],
          timeouts: { request: '0s', backendRequest: '0s' },
        },
      ],
    },
  });
}
