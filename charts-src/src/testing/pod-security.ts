import type { Container, PodTemplate } from './golden-objects.js';

/** Kinds of volumes that Pod Security's `restricted` lets a pod have. */
const VOLUMES = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);
const SAFE_SYSCTLS = new Set(['net.ipv4.ip_local_port_range', 'net.ipv4.ping_group_range']);
const SECCOMP = new Set(['RuntimeDefault', 'Localhost']);

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (value ?? {}) as Fields;
const list = (value: unknown): readonly Fields[] => (value ?? []) as readonly Fields[];

/**
 * What keeps a pod from being admitted where `restricted` is enforced, one sentence each: the checks of the Pod Security
 * standard, `baseline` included (reference, 6.5).
 */
export function restrictedProblems({ spec }: PodTemplate): readonly string[] {
  const all = [...spec.containers, ...(spec.initContainers ?? []), ...list(spec['ephemeralContainers'])];
  return [
    ...['hostNetwork', 'hostPID', 'hostIPC']
      .filter((field) => spec[field] === true)
      .map((field) => `${field} is set`),
    ...(spec.volumes ?? []).flatMap((volume) =>
      Object.keys(volume)
        .filter((key) => key !== 'name' && !VOLUMES.has(key))
        .map((key) => `a volume is a ${key}`),
    ),
    ...contextProblems('the pod', fields(spec.securityContext)),
    ...list(fields(spec.securityContext)['sysctls'])
      .filter(({ name }) => !SAFE_SYSCTLS.has(String(name)))
      .map(({ name }) => `the sysctl ${String(name)} is set`),
    ...(all as Container[]).flatMap((container) =>
      containerProblems(container, fields(spec.securityContext)),
    ),
  ];
}

function containerProblems(container: Container, pod: Fields): readonly string[] {
  const own = fields(container.securityContext);
  const { name } = container;
  const checks: readonly (readonly [boolean, string])[] = [
    [own['allowPrivilegeEscalation'] === false, 'may gain privileges'],
    [own['privileged'] !== true, 'is privileged'],
    [drops(own).includes('ALL'), 'keeps capabilities'],
    [adds(own).every((capability) => capability === 'NET_BIND_SERVICE'), 'adds capabilities'],
    [(own['runAsNonRoot'] ?? pod['runAsNonRoot']) === true, 'may run as root'],
    [SECCOMP.has(seccomp(own) ?? seccomp(pod) ?? ''), 'has no seccomp profile'],
    [['Default', undefined].includes(own['procMount'] as string | undefined), 'sees /proc unmasked'],
    [list(container['ports']).every(({ hostPort }) => (hostPort ?? 0) === 0), 'takes a port of the node'],
    [probesStayHome(container), 'has a probe to another host'],
  ];
  return [
    ...checks.filter(([isFine]) => !isFine).map(([, what]) => `container ${name} ${what}`),
    ...contextProblems(`container ${name}`, own),
  ];
}

/** What a pod and a container may both say. */
function contextProblems(who: string, context: Fields): readonly string[] {
  const windows = fields(context['windowsOptions'])['hostProcess'] === true;
  const selinux = fields(context['seLinuxOptions']);
  const checks: readonly (readonly [boolean, string])[] = [
    [context['runAsUser'] !== 0, 'runs as user 0'],
    [context['runAsNonRoot'] !== false, 'wants root'],
    [seccomp(context) === undefined || SECCOMP.has(seccomp(context) ?? ''), 'is not confined by seccomp'],
    [fields(context['appArmorProfile'])['type'] !== 'Unconfined', 'is not confined by AppArmor'],
    [selinux['user'] === undefined && selinux['role'] === undefined, 'has SELinux options'],
    [!windows, 'is a process of the node'],
  ];
  return checks.filter(([isFine]) => !isFine).map(([, what]) => `${who} ${what}`);
}

const seccomp = (context: Fields): string | undefined =>
  fields(context['seccompProfile'])['type'] as string | undefined;
const drops = (context: Fields): readonly string[] =>
  (fields(context['capabilities'])['drop'] ?? []) as string[];
const adds = (context: Fields): readonly string[] =>
  (fields(context['capabilities'])['add'] ?? []) as string[];

const probesStayHome = (container: Container): boolean =>
  ['startupProbe', 'readinessProbe', 'livenessProbe'].every((probe) =>
    ['httpGet', 'tcpSocket'].every((kind) => fields(fields(container[probe])[kind])['host'] === undefined),
  );
