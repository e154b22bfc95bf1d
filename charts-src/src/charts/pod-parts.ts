import type { k8s } from 'cdk8s-plus-28';
import type { PlatformDocument } from '../documents/index.js';
import { PORTS, type ObjectNames } from '../names.js';

/** uid and gid of `developer` in the sandbox image; an image of a release runs as them too, whatever it was built as. */
const DEVELOPER = 1001;

/**
 * What every pod of ours is: without a token for the API server, without root, in Pod Security's `restricted`. What the
 * API server would fill in is written out, so that a second apply changes nothing.
 */
export const isolated = () => ({
  automountServiceAccountToken: false,
  dnsPolicy: 'ClusterFirst',
  enableServiceLinks: false,
  restartPolicy: 'Always',
  schedulerName: 'default-scheduler',
  securityContext: {
    fsGroup: DEVELOPER,
    fsGroupChangePolicy: 'OnRootMismatch',
    runAsGroup: DEVELOPER,
    runAsNonRoot: true,
    runAsUser: DEVELOPER,
    seccompProfile: { type: 'RuntimeDefault' },
  },
});

export const UNPRIVILEGED: k8s.SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  privileged: false,
};

type UserNamespaces = NonNullable<PlatformDocument['spec']['sandbox']['userNamespaces']>;

/**
 * A sandbox in which buildah and podman work: it may make user namespaces, and `newuidmap` may give it further user ids.
 * Within `baseline`, and in a user namespace itself: whoever becomes root in the pod is nobody on the node.
 */
export const nesting = ({ seccompProfile }: UserNamespaces) => {
  const { securityContext, ...pod } = isolated();
  const seccomp = { type: 'Localhost', localhostProfile: seccompProfile };
  return { ...pod, hostUsers: false, securityContext: { ...securityContext, seccompProfile: seccomp } };
};

/** newuidmap and newgidmap have these two as capabilities of their files: nothing else in the pod starts with one. */
export const NESTING: k8s.SecurityContext = {
  allowPrivilegeEscalation: true,
  capabilities: { add: ['SETGID', 'SETUID'], drop: ['ALL'] },
  privileged: false,
};

export const fromSecret = (name: string, secret: string, key: string): k8s.EnvVar => ({
  name,
  valueFrom: { secretKeyRef: { name: secret, key } },
});

/** Order matters: `$(NAME)` sees only what stands before it (reference, 6.4). */
export const databaseEnvironment = (names: ObjectNames, namespace: string): k8s.EnvVar[] => [
  fromSecret('PGUSER', names.databaseAccount, 'username'),
  fromSecret('PGPASSWORD', names.databaseAccount, 'password'),
  {
    name: 'DATABASE_URL',
    value: `postgresql://$(PGUSER):$(PGPASSWORD)@${names.databaseService}.${namespace}.svc.cluster.local:${PORTS.database}/postgres`,
  },
];

/**
 * As the API server would choose it. A tag `latest`, or none, names other bytes every day: an operator who allows such an
 * image gets what it names now, not what a node happens to have.
 */
export const pullPolicy = (image: string): string =>
  /^[^@]*:(?!latest$)[^/:]+$|@sha256:/.test(image) ? 'IfNotPresent' : 'Always';
