import { filesOf, NAMESPACE } from './manifests.js';

export const RELEASE_HOST = 'releaserelea.localhost';

export interface ReleaseOptions {
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly replicas?: number;
  /** How long an app may take to listen. */
  readonly startupSeconds?: number;
  /** Instead of those that ask whether it listens. */
  readonly probes?: { readonly readinessProbe: object; readonly livenessProbe: object };
}

const labels = {
  'app.kubernetes.io/managed-by': 'fullstackagent',
  'fullstackagent.dev/project': 'blog',
};
const selector = { 'fullstackagent.dev/project': 'blog', 'fullstackagent.dev/workload': 'release' };
const metadata = (name = 'blog--release') => ({ name, namespace: NAMESPACE, labels });

const listens = { tcpSocket: { port: 'app' }, successThreshold: 1, timeoutSeconds: 2 };

const deployment = ({ image, replicas, startupSeconds = 60, probes }: ReleaseOptions, variables: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: metadata(),
  spec: {
    ...(replicas === undefined ? {} : { replicas }),
    selector: { matchLabels: selector },
    template: {
      metadata: { labels: { ...labels, ...selector } },
      spec: {
        terminationGracePeriodSeconds: 3,
        containers: [
          {
            name: 'app',
            image,
            ports: [{ name: 'app', containerPort: 3000 }],
            env: [{ name: 'PORT', value: '3000' }],
            envFrom: [{ configMapRef: { name: variables } }],
            startupProbe: { ...listens, periodSeconds: 1, failureThreshold: startupSeconds },
            readinessProbe: { ...listens, periodSeconds: 5, failureThreshold: 3 },
            livenessProbe: { ...listens, periodSeconds: 20, failureThreshold: 6 },
            ...probes,
          },
        ],
      },
    },
  },
});

const backend = { service: { name: 'blog--release', port: { number: 3000 } } };
const exposure = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(),
    spec: { selector, ports: [{ name: 'app', port: 3000, targetPort: 'app', protocol: 'TCP' }] },
  },
  {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: metadata(),
    spec: { rules: [{ host: RELEASE_HOST, http: { paths: [{ path: '/', backend }] } }] },
  },
  {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(),
    spec: { minReplicas: 2, maxReplicas: 4 },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(),
    spec: { maxUnavailable: 1 },
  },
];

/** What the charts render of a release, as far as the engine reads it. */
export function releaseFiles(options: ReleaseOptions): Record<string, string> {
  const { env = {} } = options;
  const variables = `blog--release-env-${Object.values(env).join('') || 'none'}`.toLowerCase();
  return filesOf([
    deployment(options, variables),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata(variables), data: env },
    ...exposure,
  ]);
}
