import { k8s } from 'cdk8s-plus-28';
import type { ProjectDocument } from '../documents/index.js';
import { LABELS, MANAGED_BY, PORTS } from '../names.js';
import type { ProjectContext } from './common.js';
import { databaseEnvironment, isolated, UNPRIVILEGED } from './pod-parts.js';
import { offered, presetResources } from './resources.js';
import { selector } from './selector.js';

const { IntOrString, Quantity } = k8s;

type Release = NonNullable<ProjectDocument['spec']['release']>;

export const APP_PORT = PORTS.app;

/** Others wait for it: all of its memory is there for it, and half of its processor. */
const SHARE = { cpu: 2, memory: 1, disk: '2Gi' } as const;

/** It changes when the release does, its variables included, and with nothing of the sandbox. */
export function releasePod(
  context: ProjectContext,
  release: Release,
  envFrom: k8s.EnvFromSource[],
): k8s.PodTemplateSpec {
  const { project } = context;
  return {
    metadata: {
      labels: {
        ...selector(project, 'release'),
        [LABELS.component]: 'release',
        [LABELS.managedBy]: MANAGED_BY,
        [LABELS.partOf]: project,
      },
    },
    spec: {
      ...isolated(),
      containers: [{ ...container(context, release), ...(envFrom.length > 0 ? { envFrom } : {}) }],
      serviceAccountName: 'release',
      terminationGracePeriodSeconds: 30,
      volumes: [{ name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('1Gi') } }],
    },
  };
}

function container(context: ProjectContext, release: Release): k8s.Container {
  const { names, namespace, platform, project } = context;
  const port = release.port ?? APP_PORT;
  return {
    name: 'app',
    image: release.image,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ name: 'app', containerPort: port, protocol: 'TCP' }],
    env: [
      { name: 'PROJECT_NAME', value: project },
      { name: 'PORT', value: `${port}` },
      { name: 'APP_HOST', value: `${release.host}.${platform.exposure.domain}` },
      ...(release.database === true ? databaseEnvironment(names, namespace) : []),
    ],
    resources: presetResources(offered(platform.sandbox.presets, release.preset, 'release size'), SHARE),
    startupProbe: probe({ periodSeconds: 2, failureThreshold: 60 }),
    readinessProbe: probe({ periodSeconds: 5, failureThreshold: 3 }),
    livenessProbe: probe({ periodSeconds: 20, failureThreshold: 6 }),
    securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true },
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  };
}

const probe = (every: { periodSeconds: number; failureThreshold: number }): k8s.Probe => ({
  tcpSocket: { port: IntOrString.fromString('app') },
  successThreshold: 1,
  timeoutSeconds: 2,
  ...every,
});
