import { k8s } from 'cdk8s-plus-28';
import { RenderError } from '../errors.js';
import { ANNOTATIONS, ENV_DIR, LABELS, MANAGED_BY, PORTS } from '../names.js';
import type { ProjectContext } from './common.js';
import {
  databaseEnvironment,
  fromSecret,
  isolated,
  nesting,
  NESTING,
  pullPolicy,
  UNPRIVILEGED,
} from './pod-parts.js';
import { presetResources, sandboxPreset } from './resources.js';
import { selector } from './selector.js';

const { IntOrString, Quantity } = k8s;

/**
 * A sandbox idles most of the day, so it asks for a tenth of the processor and a quarter of the memory: a node carries
 * several, and each can still use its whole size. Its root can be written to: `/var/tmp` counts as disk, beside `/tmp`.
 */
const SHARE = { cpu: 10, memory: 4, disk: '10Gi' } as const;

/**
 * The pod. It changes only when a restart is due: image, size, database or not, `restartedAt`. Variables, ports, the
 * displayed name and the document's version are nowhere in it. What the API server would fill in is written out, so
 * that a second apply changes nothing.
 */
export function podTemplate(context: ProjectContext): k8s.PodTemplateSpec {
  const { project, spec } = context;
  const { userNamespaces } = context.platform.sandbox;
  return {
    metadata: {
      labels: {
        ...selector(project, 'sandbox'),
        [LABELS.component]: 'sandbox',
        [LABELS.managedBy]: MANAGED_BY,
        [LABELS.partOf]: project,
      },
      ...(spec.restartedAt === undefined
        ? {}
        : { annotations: { [ANNOTATIONS.restartedAt]: spec.restartedAt } }),
    },
    spec: {
      ...(userNamespaces === undefined ? isolated() : nesting(userNamespaces)),
      containers: [container(context)],
      serviceAccountName: 'sandbox',
      terminationGracePeriodSeconds: 10,
      volumes: volumes(context),
    },
  };
}

function container(context: ProjectContext): k8s.Container {
  const { names } = context;
  return {
    name: 'sandbox',
    image: image(context),
    imagePullPolicy: pullPolicy(context.spec.sandbox.image),
    // Further ports are opened by the Service alone: opening one must not kill what is running.
    ports: [
      { name: 'app', containerPort: PORTS.app, protocol: 'TCP' },
      { name: 'ttyd', containerPort: PORTS.terminal, protocol: 'TCP' },
    ],
    env: environment(context),
    envFrom: [
      { configMapRef: { name: names.env, optional: true } },
      { secretRef: { name: names.env, optional: true } },
    ],
    resources: presetResources(sandboxPreset(context), SHARE),
    startupProbe: probe({ periodSeconds: 1, failureThreshold: 120 }),
    readinessProbe: probe({ periodSeconds: 5, failureThreshold: 3 }),
    livenessProbe: probe({ periodSeconds: 20, failureThreshold: 6 }),
    // Its root is not read-only: people install things, and tools write where they like.
    securityContext: context.platform.sandbox.userNamespaces === undefined ? UNPRIVILEGED : NESTING,
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'workspace', mountPath: '/workspace', subPath: 'workspace' },
      { name: 'workspace', mountPath: '/home/developer', subPath: 'home' },
      { name: 'env', mountPath: ENV_DIR, readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
    ],
    workingDir: '/workspace',
  };
}

/** The terminal is what makes a sandbox usable: it answers, or the sandbox is not ready. */
const probe = (every: { periodSeconds: number; failureThreshold: number }): k8s.Probe => ({
  tcpSocket: { port: IntOrString.fromString('ttyd') },
  successThreshold: 1,
  timeoutSeconds: 2,
  ...every,
});

function image({ platform, spec }: ProjectContext): string {
  if (!platform.sandbox.allowedImages.includes(spec.sandbox.image))
    throw new RenderError(`The platform does not allow the image "${spec.sandbox.image}".`);
  return spec.sandbox.image;
}

/** Order matters: `$(NAME)` sees only what stands before it (reference, 6.4). */
function environment({ names, namespace, platform, project, spec }: ProjectContext): k8s.EnvVar[] {
  return [
    { name: 'PROJECT_NAME', value: project },
    { name: 'PORT', value: `${PORTS.app}` },
    { name: 'APP_HOST', value: `${spec.host}.${platform.exposure.domain}` },
    { name: 'FULLSTACKAGENT_ENV_DIR', value: ENV_DIR },
    fromSecret('TTYD_ACCESS_TOKEN', names.terminal, 'TTYD_ACCESS_TOKEN'),
    ...(spec.database === undefined ? [] : databaseEnvironment(names, namespace)),
  ];
}

function volumes({ names }: ProjectContext): k8s.Volume[] {
  return [
    { name: 'workspace', persistentVolumeClaim: { claimName: names.workspace } },
    {
      name: 'env',
      projected: {
        defaultMode: 0o440,
        sources: [
          { configMap: { name: names.env, optional: true } },
          { secret: { name: names.env, optional: true } },
        ],
      },
    },
    // Bounded, or one sandbox could fill the node's disk for all.
    { name: 'tmp', emptyDir: { sizeLimit: Quantity.fromString('4Gi') } },
  ];
}
