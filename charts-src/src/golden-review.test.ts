import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderedDeliveryDir } from './documents/index.js';
import { jsonSchemas } from './documents/json-schemas.js';
import { readPlatform, readProject } from './documents/read-write.js';
import { blobId, exampleNames, examplePath } from './synth.js';
import {
  goldenObjects,
  isOperators,
  podTemplateOf,
  type Golden,
  type GoldenObject,
} from './testing/golden-objects.js';
import { fromYaml } from './yaml.js';

/** What was looked for when the examples were read line by line: for security, and for what appliers would fight over. */
const golden = goldenObjects();

const text = (example: string, file: string): string | undefined =>
  existsSync(examplePath(example, file)) ? readFileSync(examplePath(example, file), 'utf8') : undefined;

const projectOf = (example: string) => {
  const document = text(example, 'project.yaml');
  return document === undefined ? undefined : readProject(document);
};

const ofKind = (...kinds: readonly string[]): readonly Golden[] =>
  golden.filter(({ object }) => kinds.includes(object.kind));

const spec = ({ object }: { readonly object: GoldenObject }): Readonly<Record<string, unknown>> =>
  (object['spec'] ?? {}) as Readonly<Record<string, unknown>>;

/** Every field below a value, with its path. */
function fieldsOf(value: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = Array.isArray(value) ? `${path}[]` : `${path}.${key}`;
    return [[at, item] as const, ...fieldsOf(item, at)];
  });
}

describe('the examples', () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
    readonly anyOf?: readonly Schema[];
    readonly oneOf?: readonly Schema[];
    readonly additionalProperties?: Schema | boolean;
  }

  const fieldsIn = (schema: Schema, path = ''): readonly string[] => [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, field]) => [
      `${path}.${key}`,
      ...fieldsIn(field, `${path}.${key}`),
    ]),
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((branch) => fieldsIn(branch, path)),
    ...(schema.items === undefined ? [] : fieldsIn(schema.items, `${path}[]`)),
  ];

  it('are at least forty', () => {
    expect(exampleNames().length).toBeGreaterThanOrEqual(40);
  });

  it.each(Object.entries(jsonSchemas()))('have every field of a %s', (kind, schema) => {
    const documents = [
      ...exampleNames().map((example) => text(example, `${kind}.yaml`)),
      kind === 'platform' ? readFileSync(examplePath('platform.yaml'), 'utf8') : undefined,
    ].flatMap((document) => (document === undefined ? [] : [fromYaml(document)]));
    const used = new Set(documents.flatMap((document) => fieldsOf(document).map(([path]) => path)));
    const unused = fieldsIn(schema as Schema).filter((path) => !used.has(path));
    expect(unused, `fields of a ${kind}`).toEqual([]);
  });
});

describe('what appliers would fight over', () => {
  it('nothing that a server takes away again: null, empty maps and lists, what it writes itself', () => {
    // An empty selector means all pods, and is kept.
    const kept = /\.podSelector$/;
    for (const { where, object } of golden)
      for (const [path, value] of fieldsOf(object)) {
        expect(value, `${where}: ${path}`).not.toBeNull();
        if (typeof value === 'object' && !kept.test(path))
          expect(Object.keys(value as object).length, `${where}: ${path}`).toBeGreaterThan(0);
        expect(path, where).not.toMatch(
          /^\.(?:status|metadata\.(?:creationTimestamp|resourceVersion|uid|generation|managedFields|finalizers))/,
        );
      }
  });

  it('no number where Kubernetes has text: annotations, labels, data, variables', () => {
    const isText = /^\.metadata\.(?:labels|annotations)\.|^\.data\.|\.env\[\]\.value$|matchLabels\./;
    for (const { where, object } of golden)
      for (const [path, value] of fieldsOf(object))
        if (isText.test(path)) expect(typeof value, `${where}: ${path}`).toBe('string');
  });

  it('what KubeBlocks would resolve is resolved: one definition, one version', () => {
    for (const one of ofKind('Cluster')) {
      const [component] = spec(one)['componentSpecs'] as readonly Readonly<Record<string, string>>[];
      const isV1 = one.object.apiVersion.endsWith('/v1');
      expect(component?.['componentDef'], one.where).toMatch(
        isV1 ? /^postgresql-\d+-\d+\.\d+\.\d+$/ : /^postgresql-\d+/,
      );
      expect(component?.['serviceVersion'], one.where).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });

  it('no limit that KubeBlocks and the server would write in turns: its side containers have a limit of 0', () => {
    for (const one of ofKind('LimitRange'))
      for (const limit of spec(one)['limits'] as readonly object[]) {
        expect(Object.keys(limit).sort(), one.where).toEqual(['default', 'defaultRequest', 'type']);
        expect(limit, one.where).toMatchObject({ type: 'Container' });
      }
    // What a main container has is said by the Cluster: filled in, KubeBlocks would see another pod than it wants.
    for (const one of ofKind('Cluster')) {
      const [component] = spec(one)['componentSpecs'] as readonly { resources: Record<string, object> }[];
      for (const amounts of Object.values(component?.resources ?? {}))
        expect(Object.keys(amounts).sort(), one.where).toEqual(['cpu', 'memory']);
    }
  });

  it('no two writers of one field: replicas are either said or scaled', () => {
    const scaled = new Set(ofKind('HorizontalPodAutoscaler').map(({ example }) => example));
    for (const one of ofKind('Deployment'))
      expect('replicas' in spec(one), one.where).toBe(!scaled.has(one.example));
  });
});

describe('what outlives mistakes', () => {
  it('volumes, databases and namespaces are pruned by nobody, until a purge', () => {
    for (const { where, example, object } of ofKind('PersistentVolumeClaim', 'Cluster', 'Namespace')) {
      const kept = {
        'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
        'kustomize.toolkit.fluxcd.io/prune': 'disabled',
      };
      const isPurged = projectOf(example)?.spec.purge !== undefined;
      if (isPurged)
        for (const key of Object.keys(kept))
          expect(object.metadata.annotations, where).not.toHaveProperty(key);
      else expect(object.metadata.annotations, where).toMatchObject(kept);
    }
  });

  it('nothing else keeps an applier from taking away what is not wanted any more', () => {
    const others = golden.filter(
      ({ object }) => !['PersistentVolumeClaim', 'Cluster', 'Namespace'].includes(object.kind),
    );
    for (const { where, object } of others)
      expect(Object.keys(object.metadata.annotations ?? {}).join(), where).not.toMatch(/prune|sync-options/);
  });

  it('deleting a Cluster leaves its volumes, whatever version of KubeBlocks does it, until a purge', () => {
    for (const one of ofKind('Cluster')) {
      const isPurged = projectOf(one.example)?.spec.purge !== undefined;
      const retention = (
        spec(one)['componentSpecs'] as readonly {
          persistentVolumeClaimRetentionPolicy?: { whenDeleted: string };
        }[]
      )[0]?.persistentVolumeClaimRetentionPolicy;
      const policy = [spec(one)['terminationPolicy'], retention?.whenDeleted];
      const isV1 = one.object.apiVersion.endsWith('/v1');
      const kept = isV1 ? ['Delete', 'Retain'] : ['Halt', undefined];
      const gone = isV1 ? ['WipeOut', 'Delete'] : ['WipeOut', undefined];
      expect(policy, one.where).toEqual(isPurged ? gone : kept);
    }
  });
});

describe('what is secret, and what is let in', () => {
  it('a project has no object that limits or grants, and none of the whole cluster', () => {
    const kinds = new Set(golden.filter((one) => !isOperators(one)).map(({ object }) => object.kind));
    expect([...kinds].sort()).toEqual([
      'Cluster',
      'ConfigMap',
      'Deployment',
      'HTTPRoute',
      'HorizontalPodAutoscaler',
      'Ingress',
      'PersistentVolumeClaim',
      'PodDisruptionBudget',
      'SealedSecret',
      'Service',
      'StatefulSet',
    ]);
  });

  it('each database has one policy that lets its own project in, and goes when its data does', () => {
    const databases = new Map(ofKind('Cluster').map((one) => [one.example, one.object.metadata.name]));
    expect(databases.size).toBeGreaterThan(10);
    for (const [example, database] of databases) {
      const policies = golden.filter((one) => one.example === example && one.object.kind === 'NetworkPolicy');
      expect(
        policies.map(({ object }) => object.metadata.name),
        example,
      ).toEqual([database]);
      for (const one of policies) {
        const { podSelector, policyTypes } = spec(one) as {
          podSelector: { matchLabels: object };
          policyTypes: readonly string[];
        };
        expect(podSelector.matchLabels, one.where).toMatchObject({ 'app.kubernetes.io/instance': database });
        // It opens; what closes is the tenant's.
        expect(policyTypes, one.where).toEqual(['Ingress']);
      }
    }
    const without = ofKind('NetworkPolicy').filter(
      (one) => projectOf(one.example) && !databases.has(one.example),
    );
    expect(without).toEqual([]);
  });

  it('no Secret in the clear, and nothing in a SealedSecret but ciphertext', () => {
    expect(ofKind('Secret')).toEqual([]);
    for (const one of ofKind('SealedSecret')) {
      const data = spec(one)['encryptedData'] as Readonly<Record<string, string>>;
      for (const value of Object.values(data)) expect(value, one.where).toMatch(/^Ag[A-Za-z0-9+/]+={0,2}$/);
      expect(spec(one)['template'], one.where).not.toHaveProperty('data');
    }
  });

  it('no Service is reachable from outside by itself', () => {
    for (const one of ofKind('Service')) {
      expect(spec(one)['type'], one.where).toBe('ClusterIP');
      for (const field of ['externalIPs', 'externalName', 'loadBalancerIP'])
        expect(spec(one), one.where).not.toHaveProperty(field);
    }
  });

  it('every host is one label below the domain, whole, and leads to one place', () => {
    const hosts = ofKind('Ingress', 'HTTPRoute').flatMap((one) => {
      const { rules, hostnames } = spec(one) as { rules: { host?: string }[]; hostnames?: string[] };
      return (hostnames ?? rules.map(({ host }) => host ?? '')).map((host) => `${one.example} ${host}`);
    });
    expect(new Set(hosts).size).toBe(hosts.length);
    for (const host of hosts) expect(host).toMatch(/ [a-z0-9]{12}(?:-[a-z0-9-]+)?\.apps\.example\.com$/);
  });

  it('no annotation has what a proxy would take for its own language', () => {
    for (const { where, object } of golden)
      for (const value of Object.values(object.metadata.annotations ?? {}))
        expect(value, where).toMatch(/^[A-Za-z0-9:/._,=?&~-]*$/);
  });

  it('what is shown to people is in no object at all', () => {
    for (const example of exampleNames()) {
      const { description } = projectOf(example)?.spec ?? {};
      if (description === undefined) continue;
      const own = golden.filter((one) => one.example === example);
      expect(JSON.stringify(own.map(({ object }) => object))).not.toContain(
        JSON.stringify(description).slice(1, -1),
      );
    }
  });
});

describe('what confines a sandbox', () => {
  it('is what the platform says, seccomp and AppArmor: a field that cdk8s does not know is not lost', () => {
    const seen = ofKind('StatefulSet').flatMap((one) => {
      const platform = text(one.example, 'platform.yaml');
      const said = platform === undefined ? undefined : readPlatform(platform).spec.sandbox.userNamespaces;
      const context = podTemplateOf(one.object)?.spec.securityContext;
      const confined = (profile: string | undefined): object | undefined =>
        profile === undefined ? undefined : { type: 'Localhost', localhostProfile: profile };
      expect(context?.['seccompProfile'], one.where).toEqual(
        confined(said?.seccompProfile) ?? { type: 'RuntimeDefault' },
      );
      expect(context?.['appArmorProfile'], one.where).toEqual(confined(said?.appArmorProfile));
      return said?.appArmorProfile ?? [];
    });
    expect(seen).not.toEqual([]);
  });
});

describe('what Flux applies a project with', () => {
  const ownOf = ({ example }: Golden) => golden.filter((one) => one.example === example);

  it('can do what the account of its namespace can, and nothing outside of that namespace', () => {
    expect(ofKind('Kustomization').length).toBeGreaterThan(1);
    for (const one of ofKind('Kustomization')) {
      const { namespace } = one.object.metadata;
      expect(spec(one), one.where).toMatchObject({
        serviceAccountName: 'applier',
        targetNamespace: namespace,
        path: expect.stringMatching(`^\\./tenants/[a-z0-9]{2}/${namespace ?? ''}/[a-z0-9-]+$`) as string,
      });
      for (const other of ownOf(one)) expect(other.object.metadata.namespace, other.where).toBe(namespace);
    }
  });

  it('is what the guide for operators shows', () => {
    const guide = readFileSync(examplePath('..', '..', 'docs', 'kubernetes.md'), 'utf8');
    const file = readFileSync(examplePath('flux', 'rendered', 'kustomization-my-blog.yaml'), 'utf8');
    const path = `${renderedDeliveryDir('ns-ajno7yq7', 'my-blog')}/kustomization-my-blog.yaml`;
    expect(guide).toContain(`\`\`\`yaml\n# ${path}\n${file}\`\`\`\n`);
  });

  it('clears up when it goes, and says nothing that changes with each commit', () => {
    for (const one of ofKind('Kustomization')) {
      expect(spec(one), one.where).toMatchObject({ prune: true, deletionPolicy: 'MirrorPrune', wait: false });
      expect(one.object.metadata, one.where).toHaveProperty('annotations', {
        'kustomize.toolkit.fluxcd.io/ssa': 'Merge',
      });
    }
  });
});

describe('which document it was made from', () => {
  it('is said by every object, and by no pod: a commit must not roll one', () => {
    for (const one of golden) {
      const { where, example, object } = one;
      // What operators keep for a project is the same for all versions of it.
      if (projectOf(example) && isOperators(one)) {
        expect(object.metadata.annotations?.['fullstackagent.dev/intent'], where).toBeUndefined();
        continue;
      }
      const document = text(example, 'project.yaml') ?? text(example, 'tenant.yaml') ?? '';
      expect(object.metadata.annotations?.['fullstackagent.dev/intent'], where).toBe(blobId(document));
      expect(JSON.stringify(podTemplateOf(object) ?? ''), where).not.toContain('fullstackagent.dev/intent');
    }
  });
});

describe('a state', () => {
  const states = exampleNames().flatMap((example) => {
    const project = projectOf(example);
    return project === undefined ? [] : [[example, project.spec.state, project.spec.purge] as const];
  });

  it.each(states)('of example %s is %s (%s): what runs, and what is there', (example, state, purge) => {
    const own = golden.filter((one) => one.example === example);
    const pods = own.filter(({ object }) => podTemplateOf(object));
    const databases = own.filter(({ object }) => object.kind === 'Cluster');
    const stops = databases.map((one) => (spec(one)['componentSpecs'] as { stop: boolean }[])[0]?.stop);
    expect(stops.every((stop) => stop === (state !== 'Running'))).toBe(true);
    if (state === 'Stopped') for (const one of pods) expect(spec(one)['replicas'], one.where).toBe(0);
    if (state === 'Deleted')
      expect(
        own
          .map(({ object }) => object.kind)
          .filter(
            (kind) => !['Cluster', 'Kustomization', 'NetworkPolicy', 'PersistentVolumeClaim'].includes(kind),
          ),
      ).toEqual([]);
    expect(own.length === 0).toBe(purge === 'Remove');
  });
});
