import { describe, expect, it } from 'vitest';
import {
  goldenObjects,
  podTemplateOf,
  type Golden,
  type GoldenObject,
  type PodTemplate,
} from './testing/golden-objects.js';
import { restrictedProblems } from './testing/pod-security.js';
import { backends, references } from './testing/references.js';

const golden = goldenObjects();

const KUBEBLOCKS_MAKES = /^SealedSecret .*--db-postgresql-account-postgres$/;

const templates: readonly (readonly [string, PodTemplate])[] = golden.flatMap(({ where, object }) => {
  const template = podTemplateOf(object);
  return template === undefined ? [] : [[where, template] as const];
});

const SAFE = (): PodTemplate => ({
  metadata: { labels: {} },
  spec: {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    serviceAccountName: 'own',
    securityContext: { runAsNonRoot: true, runAsUser: 1001, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: 'app',
        image: 'registry.example.com/app:1.0.0',
        resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
        startupProbe: {},
        readinessProbe: {},
        livenessProbe: {},
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
      },
    ],
  },
});

const pod = (spec: object): PodTemplate => ({ ...SAFE(), spec: { ...SAFE().spec, ...spec } });

const container = (fields: object): PodTemplate => {
  const [first] = SAFE().spec.containers;
  return pod({ containers: [{ ...first, ...fields }] });
};

const context = (fields: object): PodTemplate =>
  container({ securityContext: { ...SAFE().spec.containers[0]?.securityContext, ...fields } });

describe('Pod Security "restricted"', () => {
  /** What `platform.yaml` chose with `sandbox.userNamespaces`, and no more than that. */
  const CHOSEN = ['container sandbox may gain privileges', 'container sandbox adds capabilities'];
  const hasNamespaces = ({ spec }: PodTemplate): boolean => spec['hostUsers'] === false;

  it('admits every pod of every example, but a sandbox that may make user namespaces', () => {
    expect(templates.length).toBeGreaterThan(20);
    for (const [where, template] of templates)
      expect(restrictedProblems(template), where).toEqual(hasNamespaces(template) ? CHOSEN : []);
    expect(templates.filter(([, template]) => hasNamespaces(template)).map(([where]) => where)).toEqual([
      'user-namespaces/statefulset-my-blog.yaml',
      'user-namespaces-apparmor/statefulset-my-blog.yaml',
    ]);
  });

  it('lets such a sandbox have two capabilities, in a user namespace of its own', () => {
    for (const [where, { spec }] of templates.filter(([, template]) => hasNamespaces(template)))
      expect(spec.containers[0]?.securityContext, where).toEqual({
        allowPrivilegeEscalation: true,
        capabilities: { add: ['SETGID', 'SETUID'], drop: ['ALL'] },
        privileged: false,
      });
  });

  it.each<[string, PodTemplate]>([
    ['hostNetwork is set', pod({ hostNetwork: true })],
    ['hostPID is set', pod({ hostPID: true })],
    ['a volume is a hostPath', pod({ volumes: [{ name: 'x', hostPath: { path: '/' } }] })],
    ['the pod runs as user 0', pod({ securityContext: { ...SAFE().spec.securityContext, runAsUser: 0 } })],
    [
      'the sysctl kernel.msgmax is set',
      pod({ securityContext: { ...SAFE().spec.securityContext, sysctls: [{ name: 'kernel.msgmax' }] } }),
    ],
    [
      'container app may run as root',
      pod({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }),
    ],
    ['container app has no seccomp profile', pod({ securityContext: { runAsNonRoot: true } })],
    ['container app may gain privileges', context({ allowPrivilegeEscalation: undefined })],
    ['container app is privileged', context({ privileged: true })],
    ['container app keeps capabilities', context({ capabilities: {} })],
    ['container app adds capabilities', context({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } })],
    ['container app sees /proc unmasked', context({ procMount: 'Unmasked' })],
    ['container app takes a port of the node', container({ ports: [{ containerPort: 1, hostPort: 1 }] })],
    ['container app has a probe to another host', container({ readinessProbe: { httpGet: { host: 'x' } } })],
  ])('would not: %s', (problem, template) => {
    expect(restrictedProblems(SAFE())).toEqual([]);
    expect(restrictedProblems(template)).toEqual([problem]);
  });
});

describe('labels', () => {
  const RECOMMENDED = ['component', 'managed-by', 'name', 'part-of'].map(
    (name) => `app.kubernetes.io/${name}`,
  );

  it('are the recommended ones', () => {
    for (const { where, object } of golden)
      expect(Object.keys(object.metadata.labels ?? {}), where).toEqual(expect.arrayContaining(RECOMMENDED));
  });

  /** Selectors may name it: they make nothing KubeBlocks' own. */
  it('never include the one by which KubeBlocks deletes Services and Secrets, wherever a label can stand', () => {
    const labelsIn = (value: unknown, key = ''): readonly object[] => {
      if (typeof value !== 'object' || value === null) return [];
      return [
        ...(key === 'labels' ? [value] : []),
        ...Object.entries(value).flatMap(([name, item]) => labelsIn(item, name)),
      ];
    };
    for (const { where, object } of golden)
      for (const labels of labelsIn(object))
        expect(Object.keys(labels), where).not.toContain('app.kubernetes.io/instance');
  });

  it('have values that Kubernetes takes', () => {
    for (const { where, object } of golden)
      for (const value of Object.values(object.metadata.labels ?? {}))
        expect(value, where).toMatch(/^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/);
  });
});

/** A name that nothing answers to is found by nobody until it is needed. */
describe('in every example of a project', () => {
  const projects = new Map<string, Golden[]>();
  for (const one of golden.filter(({ object }) => object.kind !== 'Namespace'))
    projects.set(one.example, [...(projects.get(one.example) ?? []), one]);
  const examples = [...projects].filter(([, list]) => list.some(({ object }) => podTemplateOf(object)));

  const spec = (object: GoldenObject): Readonly<Record<string, unknown>> =>
    object['spec'] as Readonly<Record<string, unknown>>;

  it.each(examples)('%s: selectors find the pods of one workload', (_name, list) => {
    const pods = list.flatMap(({ object }) => {
      const template = podTemplateOf(object);
      return template === undefined ? [] : [template.metadata.labels];
    });
    const selecting = list.filter(({ object }) =>
      ['Service', 'StatefulSet', 'Deployment', 'PodDisruptionBudget'].includes(object.kind),
    );
    for (const { where, object } of selecting) {
      const { matchLabels, ...rest } = spec(object)['selector'] as {
        matchLabels?: Readonly<Record<string, string>>;
      };
      const wanted = Object.entries(matchLabels ?? rest);
      const found = pods.filter((labels) => wanted.every(([key, value]) => labels[key] === value));
      expect(found.length, where).toBe(1);
    }
  });

  it.each(examples)('%s: what a pod takes in is there, optional, or made by KubeBlocks', (_name, list) => {
    const names = new Set(list.map(({ object }) => `${object.kind} ${object.metadata.name}`));
    for (const { where, object } of list)
      for (const wanted of references(podTemplateOf(object)))
        expect(names.has(wanted) || KUBEBLOCKS_MAKES.test(wanted), `${where}: ${wanted}`).toBe(true);
  });

  it.each(examples)('%s: what is exposed is a port of a Service', (_name, list) => {
    const open = list
      .filter(({ object }) => object.kind === 'Service')
      .flatMap(({ object }) =>
        (spec(object)['ports'] as { port: number }[]).map(({ port }) => `${object.metadata.name}:${port}`),
      );
    const exposed = list.flatMap(({ object }) => backends(object));
    expect(exposed.length).toBeGreaterThan(0);
    for (const backend of exposed) expect(open).toContain(backend);
  });

  it.each(examples)('%s: an autoscaler scales what is there', (_name, list) => {
    const scaled = list.filter(({ object }) => object.kind === 'HorizontalPodAutoscaler');
    for (const { object } of scaled) {
      const target = spec(object)['scaleTargetRef'] as { kind: string; name: string };
      const found = list.find(
        ({ object: other }) => other.kind === target.kind && other.metadata.name === target.name,
      );
      expect(found && 'replicas' in spec(found.object), "the replicas are the autoscaler's").toBe(false);
    }
  });

  it('every object is in the namespace of its tenant', () => {
    for (const { where, object } of golden.filter(({ object: { kind } }) => kind !== 'Namespace'))
      expect(object.metadata.namespace, where).toBe('ns-ajno7yq7');
  });

  it('every name is one that Kubernetes takes, with what is appended to it', () => {
    for (const { where, object } of golden) {
      const { name } = object.metadata;
      const longest = {
        // <name>-postgresql-postgresql is a Service; <name>-<10 of a hash>-<5 more> a pod.
        Cluster: `${name}-postgresql-postgresql`,
        Deployment: `${name}-0123456789-01234`,
        StatefulSet: `${name}-0123456789`,
      }[object.kind];
      expect(longest ?? name, where).toMatch(/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
    }
  });
});
