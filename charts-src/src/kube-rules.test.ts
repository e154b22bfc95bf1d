import fc from 'fast-check';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { renderDelivery, renderProject, renderTenant, type Manifests } from './render.js';
import { fullProjects, running } from './testing/arbitrary-full-documents.js';
import { platforms, tenants } from './testing/arbitrary-tenants.js';
import { goldenObjects, podTemplateOf, type GoldenObject } from './testing/golden-objects.js';
import { EXCEPTIONS, faultsOf, RULES, unexcused } from './testing/kube-rules/index.js';

const golden = goldenObjects();
const of = (example: string): GoldenObject[] =>
  golden.filter((one) => one.example === example).map(({ object }) => object);
const examples = [...new Set(golden.map(({ example }) => example))];
/** What a project counts on in its namespace. */
const beside = of('tenant');

const objects = (...manifests: readonly Manifests[]): readonly GoldenObject[] =>
  manifests.flatMap((files) =>
    [...files.values()].map((text) => load(text, { schema: YAML11_SCHEMA }) as GoldenObject),
  );

describe('what a platform team would not sign', () => {
  it.each(examples)('is not in example %s', (example) => {
    expect(unexcused(of(example), example.startsWith('tenant') ? [] : beside)).toEqual([]);
  });

  it('is in nothing that any documents render to', () => {
    fc.assert(
      fc.property(platforms, tenants, fullProjects, (platform, tenant, document) => {
        const project = running(document);
        const ofTenant = objects(renderTenant({ platform, tenant, intent: 'x' }));
        const ofProject = objects(
          renderProject({ platform, project, intent: 'x' }),
          renderDelivery({ platform, project }),
        );
        expect(unexcused(ofTenant)).toEqual([]);
        expect(unexcused(ofProject, ofTenant)).toEqual([]);
      }),
    );
  });

  it('is excepted by name only where it is so, and for a reason', () => {
    const faults = examples.flatMap((example) => faultsOf(of(example), beside));
    for (const { rule, what, reason } of EXCEPTIONS) {
      expect(
        faults.some((fault) => fault.rule === rule && what.test(fault.what)),
        rule,
      ).toBe(true);
      expect(reason.length).toBeGreaterThan(20);
    }
  });
});

// Plain data, to be spoiled.
interface Anything {
  [key: string]: Anything;
}

type Spoil = (object: Anything) => void;

const container =
  (spoil: Spoil): Spoil =>
  (object) =>
    spoil(at(object, 'spec', 'template', 'spec', 'containers', '0'));
const pod =
  (spoil: Spoil): Spoil =>
  (object) =>
    spoil(at(object, 'spec', 'template', 'spec'));
const spec =
  (spoil: Spoil): Spoil =>
  (object) =>
    spoil(at(object, 'spec'));

function at(object: Anything, ...path: readonly string[]): Anything {
  return path.reduce((value, key) => {
    const next = value[key];
    if (next === undefined) throw new Error(`There is no ${path.join('.')}.`);
    return next;
  }, object);
}

const set =
  (key: string, value: unknown): Spoil =>
  (object) => {
    object[key] = value as Anything;
  };
const drop =
  (key: string): Spoil =>
  (object) => {
    Reflect.deleteProperty(object, key);
  };
const within =
  (path: string, spoil: Spoil): Spoil =>
  (object) => {
    spoil(at(object, ...path.split('.')));
  };

const RELEASE = 'Deployment my-blog--release';
const SANDBOX = 'StatefulSet my-blog';
const SERVICE = 'Service my-blog';
const INGRESS = 'Ingress my-blog--app';
const SCALER = 'HorizontalPodAutoscaler my-blog--release';
const BUDGET = 'PodDisruptionBudget my-blog--release';
const ROLE = 'Role fullstackagent-controller';
const BINDING = 'RoleBinding applier';
const POLICY = 'NetworkPolicy my-blog--db';

/** One fault, put into what is fine. `everything`: the object that is spoiled, and how. */
const FAULTS: readonly (readonly [rule: string, object: string, spoil: Spoil])[] = [
  ['default-service-account', RELEASE, pod(drop('serviceAccountName'))],
  ['deprecated-service-account-field', RELEASE, pod(set('serviceAccount', 'release'))],
  ['service-account-token', RELEASE, pod(drop('automountServiceAccountToken'))],
  ['service-links', RELEASE, pod(drop('enableServiceLinks'))],
  ['host-ipc', RELEASE, pod(set('hostIPC', true))],
  ['host-network', RELEASE, pod(set('hostNetwork', true))],
  ['host-pid', RELEASE, pod(set('hostPID', true))],
  ['host-aliases', RELEASE, pod(set('hostAliases', [{ ip: '127.0.0.1', hostnames: ['x'] }]))],
  ['host-mounts', RELEASE, pod(within('volumes.0', set('hostPath', { path: '/etc' })))],
  ['docker-sock', RELEASE, pod(within('volumes.0', set('hostPath', { path: '/var/run/docker.sock' })))],
  ['empty-dir-size-limit', RELEASE, pod(within('volumes.0.emptyDir', drop('sizeLimit')))],
  ['restart-policy', RELEASE, pod(set('restartPolicy', 'Never'))],
  ['priority-class-name', RELEASE, pod(set('priorityClassName', 'system-node-critical'))],
  [
    'privileged-sysctls',
    RELEASE,
    pod(within('securityContext', set('sysctls', [{ name: 'kernel.msgmax' }]))),
  ],
  ['run-as-root-group', RELEASE, pod(within('securityContext', set('runAsGroup', 0)))],
  ['tolerations', RELEASE, pod(set('tolerations', [{ operator: 'Exists' }]))],
  ['node-pinning', RELEASE, pod(set('nodeName', 'control-plane'))],
  ['latest-tag', SANDBOX, container(set('image', 'sandbox:latest'))],
  ['run-as-non-root', RELEASE, pod(within('securityContext', set('runAsUser', 0)))],
  ['no-read-only-root-fs', RELEASE, container(within('securityContext', drop('readOnlyRootFilesystem')))],
  [
    'privilege-escalation-container',
    RELEASE,
    container(within('securityContext', drop('allowPrivilegeEscalation'))),
  ],
  ['privileged-container', RELEASE, container(within('securityContext', set('privileged', true)))],
  ['unsafe-proc-mount', RELEASE, container(within('securityContext', set('procMount', 'Unmasked')))],
  [
    'drop-all-capabilities',
    RELEASE,
    container(within('securityContext.capabilities', set('drop', ['NET_RAW']))),
  ],
  [
    'added-capabilities',
    RELEASE,
    container(within('securityContext.capabilities', set('add', ['SYS_PTRACE']))),
  ],
  ['unset-cpu-requirements', RELEASE, container(within('resources.limits', drop('cpu')))],
  ['unset-memory-requirements', RELEASE, container(within('resources.requests', drop('memory')))],
  [
    'unset-ephemeral-storage-requirements',
    RELEASE,
    container(within('resources.limits', drop('ephemeral-storage'))),
  ],
  ['no-liveness-probe', RELEASE, container(drop('livenessProbe'))],
  ['no-readiness-probe', RELEASE, container(drop('readinessProbe'))],
  ['no-startup-probe', RELEASE, container(drop('startupProbe'))],
  ['liveness-port', RELEASE, container(within('livenessProbe.tcpSocket', set('port', 'web')))],
  ['readiness-port', RELEASE, container(within('readinessProbe.tcpSocket', set('port', 1)))],
  ['startup-port', RELEASE, container(within('startupProbe.tcpSocket', set('port', 'web')))],
  ['duplicate-env-var', RELEASE, container(within('env.1', set('name', 'PROJECT_NAME')))],
  ['env-var-secret', RELEASE, container(within('env.1', set('name', 'API_TOKEN')))],
  ['env-expansion', RELEASE, container(within('env.3', set('name', 'PGOTHER')))],
  [
    'read-secret-from-env-var',
    'StatefulSet other',
    container(within('env.0', set('valueFrom', { secretKeyRef: { name: 'x', key: 'y' } }))),
  ],
  ['privileged-ports', RELEASE, container(within('ports.0', set('containerPort', 80)))],
  ['ssh-port', RELEASE, container(within('ports.0', set('containerPort', 22)))],
  ['host-port', RELEASE, container(within('ports.0', set('hostPort', 3000)))],
  ['duplicate-port', SANDBOX, container(within('ports.1', set('containerPort', 3000)))],
  ['termination-message', RELEASE, container(drop('terminationMessagePolicy'))],
  ['lifecycle-hooks', RELEASE, container(set('lifecycle', { postStart: {} }))],
  ['dangling-service', SERVICE, spec(set('selector', { app: 'other' }))],
  ['invalid-target-ports', SERVICE, spec(within('ports.0', set('targetPort', 'web')))],
  ['exposed-services', SERVICE, spec(set('type', 'NodePort'))],
  ['duplicate-service-port', SERVICE, spec(within('ports.1', set('port', 3000)))],
  ['dangling-ingress', INGRESS, spec(within('rules.0.http.paths.0.backend.service', set('name', 'gone')))],
  ['ingress-without-host', INGRESS, spec(within('rules.0', set('host', '*.apps.example.com')))],
  [
    'ingress-snippets',
    INGRESS,
    within('metadata.annotations', set('nginx.ingress.kubernetes.io/server-snippet', 'x')),
  ],
  ['dangling-horizontalpodautoscaler', SCALER, spec(within('scaleTargetRef', set('name', 'gone')))],
  ['hpa-range', SCALER, spec(set('maxReplicas', 1))],
  ['hpa-needs-requests', RELEASE, container(within('resources.requests', drop('cpu')))],
  ['dangling-poddisruptionbudget', BUDGET, spec(within('selector', set('matchLabels', { app: 'other' })))],
  ['pdb-max-unavailable', BUDGET, spec(set('maxUnavailable', 0))],
  ['pdb-min-available', BUDGET, spec(set('minAvailable', '100%'))],
  ['pdb-unhealthy-pod-eviction-policy', BUDGET, spec(drop('unhealthyPodEvictionPolicy'))],
  ['mismatching-selector', RELEASE, spec(within('selector', set('matchLabels', { app: 'other' })))],
  ['dangling-service-name', SANDBOX, spec(set('serviceName', 'my-blog'))],
  ['no-rolling-update-strategy', RELEASE, spec(set('strategy', { type: 'Recreate' }))],
  ['minimum-three-replicas', 'Deployment other', () => undefined],
  ['no-anti-affinity', 'Deployment other', () => undefined],
  ['non-existent-service-account', RELEASE, pod(set('serviceAccountName', 'gone'))],
  ['dangling-reference', SANDBOX, pod(within('volumes.0.persistentVolumeClaim', set('claimName', 'gone')))],
  ['volume-mounts', RELEASE, container(within('volumeMounts.0', set('name', 'gone')))],
  ['use-namespace', SERVICE, within('metadata', set('namespace', 'kube-system'))],
  ['no-extensions-v1beta', INGRESS, set('apiVersion', 'extensions/v1beta1')],
  ['cluster-scoped', ROLE, set('kind', 'ClusterRole')],
  ['secret-in-the-clear', 'ConfigMap my-blog--env', set('kind', 'Secret')],
  ['cluster-admin-role-binding', BINDING, within('roleRef', set('name', 'cluster-admin'))],
  ['binding-to-a-group', BINDING, within('subjects.0', set('kind', 'Group'))],
  ['access-to-secrets', 'Role other', () => undefined],
  ['access-to-list-secrets', ROLE, within('rules', set('0', { resources: ['secrets'], verbs: ['list'] }))],
  ['access-to-create-pods', ROLE, within('rules', set('0', { resources: ['pods'], verbs: ['create'] }))],
  ['access-to-write', 'Role other', () => undefined],
  ['wildcard-in-rules', ROLE, within('rules', set('0', { resources: ['*'], verbs: ['get'] }))],
  ['open-network-policy', POLICY, spec(within('ingress.0', drop('from')))],
];

describe('each rule sees its fault', () => {
  const all = (): GoldenObject[] => structuredClone([...of('everything'), ...beside]);

  /** The object of that name; one called "other" is the first of its kind, by a name that nothing is excepted for. */
  function spoiled(what: string, spoil: Spoil): readonly GoldenObject[] {
    const whole = all();
    const [kind = '', name = ''] = what.split(' ');
    const found = whole.find(
      (object) => object.kind === kind && (name === 'other' || object.metadata.name === name),
    );
    if (found === undefined) throw new Error(`There is no ${what}.`);
    const object = found as unknown as Anything;
    if (name === 'other') at(object, 'metadata')['name'] = 'other' as unknown as Anything;
    if (name === 'other' && podTemplateOf(found)) container(set('name', 'other'))(object);
    spoil(object);
    return whole;
  }

  it('of those that have nothing to spoil them, there is none', () => {
    expect(unexcused(all())).toEqual([]);
  });

  it.each(FAULTS)('%s', (rule, what, spoil) => {
    expect(unexcused(spoiled(what, spoil)).map((fault) => fault.rule)).toContain(rule);
  });

  it('dangling-route', () => {
    const routes = structuredClone(of('release-gateway'));
    expect(unexcused(routes, beside)).toEqual([]);
    const gone = routes.filter(({ kind }) => kind !== 'Service');
    expect(unexcused(gone, beside).map((fault) => fault.rule)).toContain('dangling-route');
  });

  it('and there is a fault for every rule', () => {
    const tried = new Set([...FAULTS.map(([rule]) => rule), 'dangling-route']);
    expect(RULES.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });
});
