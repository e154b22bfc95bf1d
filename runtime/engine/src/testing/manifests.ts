import { dump } from 'js-yaml';

export const NAMESPACE = 'ns-abcd1234';
export const FOLDER = `tenants/ab/${NAMESPACE}/blog`;

const labels = { 'app.kubernetes.io/managed-by': 'fullstackagent', 'fullstackagent.dev/project': 'blog' };
const metadata = (name: string, annotations: Record<string, string> = {}) => ({
  name,
  namespace: NAMESPACE,
  labels,
  annotations,
});
const KEPT = { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' };

export interface BlogOptions {
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly database?: boolean;
  readonly stopped?: boolean;
  readonly restartedAt?: string;
  readonly livenessProbe?: object;
}

const claim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: metadata('blog--workspace', KEPT),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
};

const cluster = (stop: boolean) => ({
  apiVersion: 'apps.kubeblocks.io/v1',
  kind: 'Cluster',
  metadata: metadata('blog--db', KEPT),
  spec: { clusterDef: 'postgresql', componentSpecs: [{ name: 'postgresql', replicas: 1, stop }] },
});

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadata('blog'),
  spec: {
    type: 'ClusterIP',
    selector: { 'fullstackagent.dev/project': 'blog', 'fullstackagent.dev/workload': 'sandbox' },
    ports: [
      { name: 'app', port: 3000, targetPort: 'app', protocol: 'TCP' },
      { name: 'ttyd', port: 7681, targetPort: 'ttyd', protocol: 'TCP' },
    ],
  },
};

const ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: metadata('blog--app'),
  spec: {
    rules: [
      {
        host: 'abcdefabcdef.localhost',
        http: { paths: [{ path: '/', backend: { service: { name: 'blog', port: { number: 3000 } } } }] },
      },
    ],
  },
};

const podMetadata = (restartedAt: string | undefined) => ({
  labels: { ...labels, 'fullstackagent.dev/workload': 'sandbox' },
  annotations: restartedAt === undefined ? {} : { restartedAt },
});

const environment = (database: boolean) => [
  { name: 'PROJECT_NAME', value: 'blog' },
  { name: 'PORT', value: '3000' },
  { name: 'FULLSTACKAGENT_ENV_DIR', value: '/run/fullstackagent/env' },
  {
    name: 'TTYD_ACCESS_TOKEN',
    valueFrom: { secretKeyRef: { name: 'blog--terminal', key: 'TTYD_ACCESS_TOKEN' } },
  },
  ...(database
    ? [
        {
          name: 'PGPASSWORD',
          valueFrom: {
            secretKeyRef: { name: 'blog--db-postgresql-account-postgres', key: 'password' },
          },
        },
        {
          name: 'DATABASE_URL',
          value: `postgresql://postgres:$(PGPASSWORD)@blog--db-postgresql-postgresql.${NAMESPACE}.svc.cluster.local:5432/postgres`,
        },
      ]
    : []),
];

const listens = { tcpSocket: { port: 'ttyd' }, successThreshold: 1, timeoutSeconds: 2 };

const statefulSet = ({ replicas = 1, database = false, restartedAt, livenessProbe }: BlogOptions) => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: metadata('blog'),
  spec: {
    replicas,
    selector: { matchLabels: { 'fullstackagent.dev/project': 'blog' } },
    template: {
      metadata: podMetadata(restartedAt),
      spec: {
        terminationGracePeriodSeconds: 2,
        containers: [
          {
            name: 'sandbox',
            image: 'example/sandbox:1',
            workingDir: '/workspace',
            ports: [
              { name: 'app', containerPort: 3000 },
              { name: 'ttyd', containerPort: 7681 },
            ],
            env: environment(database),
            envFrom: [{ configMapRef: { name: 'blog--env', optional: true } }],
            startupProbe: { ...listens, periodSeconds: 1, failureThreshold: 120 },
            readinessProbe: { ...listens, periodSeconds: 5, failureThreshold: 3 },
            livenessProbe: livenessProbe ?? { ...listens, periodSeconds: 20, failureThreshold: 6 },
            volumeMounts: [
              { name: 'workspace', mountPath: '/workspace', subPath: 'workspace' },
              { name: 'workspace', mountPath: '/home/developer', subPath: 'home' },
              { name: 'env', mountPath: '/run/fullstackagent/env' },
            ],
          },
        ],
        volumes: [
          { name: 'workspace', persistentVolumeClaim: { claimName: 'blog--workspace' } },
          { name: 'env', projected: { sources: [{ configMap: { name: 'blog--env', optional: true } }] } },
        ],
      },
    },
  },
});

/** The token is in the clear: what unseals it has tests of its own. */
const terminalSecret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadata('blog--terminal'),
  type: 'Opaque',
  data: { TTYD_ACCESS_TOKEN: Buffer.from('blog-token').toString('base64') },
};

/** The files of a project folder, much as the charts render them. */
export function blogFiles(options: BlogOptions = {}): Record<string, string> {
  const objects = [
    claim,
    terminalSecret,
    service,
    ingress,
    statefulSet(options),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('blog--env'), data: options.env ?? {} },
    ...(options.database === true ? [cluster(options.stopped === true)] : []),
  ];
  return filesOf(objects);
}

/** What stays of a deleted project. */
export const keptFiles = (options: BlogOptions = {}): Record<string, string> =>
  filesOf([claim, ...(options.database === true ? [cluster(true)] : [])]);

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly [field: string]: unknown;
}

export const filesOf = (objects: readonly Named[]): Record<string, string> =>
  Object.fromEntries(
    objects.map((object) => [
      `${FOLDER}/${object.kind.toLowerCase()}-${object.metadata.name}.yaml`,
      dump(object, { noRefs: true }),
    ]),
  );
