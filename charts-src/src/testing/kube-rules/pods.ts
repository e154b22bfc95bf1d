import type { Container } from '../golden-objects.js';
import { containerRule, fields, list, podRule, type Fields, type Rule } from './rule.js';

/** A variable that is called like this holds a secret, so its value stands in no manifest. */
const SECRET_NAME = /TOKEN|PASSWORD|SECRET|KEY|CREDENTIAL/;

const UNSAFE_SYSCTLS = /^(?:kernel\.(?:msg|sem|shm)|fs\.mqueue\.|net\.)/;
const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_syncookies',
]);
const RESTART = new Set(['Always', 'OnFailure']);

const security = (container: Container): Fields => fields(container.securityContext);
const volumes = (pod: Fields): readonly Fields[] => list(pod['volumes']);
const env = (container: Container): readonly Fields[] => list(container['env']);
const amounts = (container: Container): readonly Fields[] => [
  fields(container.resources?.limits),
  fields(container.resources?.requests),
];
const has = (container: Container, resource: string): boolean =>
  amounts(container).every((amount) => resource in amount);
const dropped = (container: Container): readonly unknown[] =>
  (fields(security(container)['capabilities'])['drop'] ?? []) as readonly unknown[];

/** By a digest, or by a tag other than `latest`; or it is asked for what it names at every start. */
function isPinned({ image, imagePullPolicy }: Container): boolean {
  const [name = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  return digest !== undefined || (tag !== undefined && tag !== 'latest') || imagePullPolicy === 'Always';
}

/** A probe asks a port that the container says it has. */
const probesPort =
  (name: string) =>
  (container: Container): boolean => {
    const probe = fields(container[name]);
    const port = fields(probe['tcpSocket'] ?? probe['httpGet'])['port'];
    if (port === undefined) return true;
    return list(container['ports']).some((own) => [own['name'], own['containerPort']].includes(port));
  };

const isUnique = (names: readonly unknown[]): boolean => new Set(names).size === names.length;

const ports = (container: Container): readonly number[] =>
  list(container['ports']).map(({ containerPort }) => Number(containerPort));

/** Variables that `$(NAME)` stands for have to be there, and before it: else the text goes to the program as it is. */
function expandsWhatIsThere(container: Container): boolean {
  const before = new Set<unknown>();
  return env(container).every(({ name, value }) => {
    const wanted = [...(typeof value === 'string' ? value : '').matchAll(/(?<!\$)\$\((\w+)\)/g)].map(
      ([, one]) => one,
    );
    const isFine = wanted.every((one) => before.has(one));
    before.add(name);
    return isFine;
  });
}

export const POD_RULES: readonly Rule[] = [
  podRule(
    'default-service-account',
    ({ serviceAccountName }) => !['default', undefined].includes(serviceAccountName as string | undefined),
  ),
  podRule('deprecated-service-account-field', (pod) => pod['serviceAccount'] === undefined),
  podRule('service-account-token', (pod) => pod['automountServiceAccountToken'] === false),
  podRule('service-links', (pod) => pod['enableServiceLinks'] === false),
  podRule('host-ipc', (pod) => pod['hostIPC'] !== true),
  podRule('host-network', (pod) => pod['hostNetwork'] !== true),
  podRule('host-pid', (pod) => pod['hostPID'] !== true),
  podRule('host-aliases', (pod) => pod['hostAliases'] === undefined),
  podRule('host-mounts', (pod) => volumes(pod).every((volume) => !('hostPath' in volume))),
  podRule('docker-sock', (pod) => !JSON.stringify(volumes(pod)).includes('docker.sock')),
  podRule('empty-dir-size-limit', (pod) =>
    volumes(pod).every(({ emptyDir }) => emptyDir === undefined || 'sizeLimit' in fields(emptyDir)),
  ),
  podRule('restart-policy', (pod) => RESTART.has(String(pod['restartPolicy']))),
  podRule('priority-class-name', (pod) => pod['priorityClassName'] === undefined),
  podRule('privileged-sysctls', (pod) =>
    list(fields(pod.securityContext)['sysctls']).every(
      ({ name }) => !UNSAFE_SYSCTLS.test(String(name)) || SAFE_SYSCTLS.has(String(name)),
    ),
  ),
  podRule('run-as-root-group', (pod) => fields(pod.securityContext)['runAsGroup'] !== 0),
  podRule('tolerations', (pod) => pod['tolerations'] === undefined),
  podRule('node-pinning', (pod) => pod['nodeName'] === undefined),
  containerRule('latest-tag', isPinned),
  containerRule('run-as-non-root', (container, pod) => {
    const [own, all] = [security(container), fields(pod.securityContext)];
    return (
      (own['runAsNonRoot'] ?? all['runAsNonRoot']) === true &&
      Number(own['runAsUser'] ?? all['runAsUser'] ?? 0) >= 1000
    );
  }),
  containerRule('no-read-only-root-fs', (one) => security(one)['readOnlyRootFilesystem'] === true),
  containerRule(
    'privilege-escalation-container',
    (one) => security(one)['allowPrivilegeEscalation'] === false,
  ),
  containerRule('privileged-container', (one) => security(one)['privileged'] === false),
  containerRule('unsafe-proc-mount', (one) =>
    [undefined, 'Default'].includes(security(one)['procMount'] as undefined),
  ),
  containerRule('drop-all-capabilities', (one) => dropped(one).includes('ALL')),
  containerRule('added-capabilities', (one) => fields(security(one)['capabilities'])['add'] === undefined),
  containerRule('unset-cpu-requirements', (one) => has(one, 'cpu')),
  containerRule('unset-memory-requirements', (one) => has(one, 'memory')),
  containerRule('unset-ephemeral-storage-requirements', (one) => has(one, 'ephemeral-storage')),
  containerRule('no-liveness-probe', (one) => one['livenessProbe'] !== undefined),
  containerRule('no-readiness-probe', (one) => one['readinessProbe'] !== undefined),
  containerRule('no-startup-probe', (one) => one['startupProbe'] !== undefined),
  containerRule('liveness-port', probesPort('livenessProbe')),
  containerRule('readiness-port', probesPort('readinessProbe')),
  containerRule('startup-port', probesPort('startupProbe')),
  containerRule('duplicate-env-var', (one) => isUnique(env(one).map(({ name }) => name))),
  containerRule('env-var-secret', (one) =>
    env(one).every(({ name, value }) => value === undefined || !SECRET_NAME.test(String(name))),
  ),
  containerRule('env-expansion', expandsWhatIsThere),
  containerRule('read-secret-from-env-var', (one) =>
    env(one).every(({ valueFrom }) => fields(valueFrom)['secretKeyRef'] === undefined),
  ),
  containerRule('privileged-ports', (one) => ports(one).every((port) => port >= 1024)),
  containerRule('ssh-port', (one) => !ports(one).includes(22)),
  containerRule('host-port', (one) => list(one['ports']).every(({ hostPort }) => hostPort === undefined)),
  containerRule(
    'duplicate-port',
    (one) => isUnique(ports(one)) && isUnique(list(one['ports']).map(({ name }) => name)),
  ),
  containerRule('termination-message', (one) => one['terminationMessagePolicy'] === 'FallbackToLogsOnError'),
  containerRule('lifecycle-hooks', (one) => one['lifecycle'] === undefined),
];
