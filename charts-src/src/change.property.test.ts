import fc from 'fast-check';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { projectSchema, type PlatformDocument, type ProjectDocument } from './documents/index.js';
import { readProject, writeDocument } from './documents/read-write.js';
import { renderProject, type Manifests } from './render.js';
import { fullPlatform, fullProjects, running } from './testing/arbitrary-full-documents.js';
import { podTemplateOf, type GoldenObject } from './testing/golden-objects.js';
import { restrictedProblems } from './testing/pod-security.js';

type Spec = ProjectDocument['spec'];

const render = (project: ProjectDocument, platform = fullPlatform, intent = 'a'.repeat(40)): Manifests =>
  renderProject({ platform, project, intent });

const objects = (manifests: Manifests): readonly GoldenObject[] =>
  [...manifests.values()].map((text) => load(text, { schema: YAML11_SCHEMA }) as GoldenObject);

/** What the API server refuses to change, by kind. An apply of another value fails for ever. */
const IMMUTABLE: Readonly<Record<string, readonly string[]>> = {
  StatefulSet: ['selector', 'serviceName', 'podManagementPolicy', 'volumeClaimTemplates'],
  Deployment: ['selector'],
  Service: ['clusterIP'],
  PersistentVolumeClaim: ['accessModes', 'volumeMode'],
  Cluster: ['clusterDef', 'topology'],
};

function immutable(object: GoldenObject): readonly unknown[] {
  const spec = object['spec'] as Readonly<Record<string, unknown>> | undefined;
  return (IMMUTABLE[object.kind] ?? []).map((field) => spec?.[field]);
}

/** The text of a workload's pod template: what a restart is decided by. */
function templates(manifests: Manifests): Readonly<Record<string, string>> {
  return Object.fromEntries(
    objects(manifests).flatMap((object) => {
      const template = podTemplateOf(object);
      return template === undefined ? [] : [[object.kind, JSON.stringify(template)] as const];
    }),
  );
}

const withSpec = (project: ProjectDocument, spec: Partial<Spec>): ProjectDocument => ({
  ...project,
  spec: { ...project.spec, ...spec },
});

/** Another document of the same project: its name stays. */
const sameProject = fc
  .tuple(fullProjects, fullProjects)
  .map(([before, after]) => [before, { ...after, metadata: before.metadata }] as const);

describe('documents with every field', () => {
  it('are valid, and come back from git as they were', () => {
    fc.assert(
      fc.property(fullProjects, (project) => {
        expect(projectSchema.safeParse(project).error?.issues).toBeUndefined();
        expect(readProject(writeDocument(project))).toEqual(project);
      }),
    );
  });

  it('render to pods that are admitted', () => {
    fc.assert(
      fc.property(fullProjects, (project) => {
        for (const object of objects(render(running(project)))) {
          const template = podTemplateOf(object);
          if (template === undefined) continue;
          expect(restrictedProblems(template)).toEqual([]);
        }
      }),
    );
  });
});

describe('whatever changes in a document', () => {
  it('what cannot be changed in an object does not', () => {
    fc.assert(
      fc.property(sameProject, ([before, after]) => {
        const old = new Map(
          objects(render(before)).map((object) => [
            `${object.kind} ${object.metadata.name}`,
            immutable(object),
          ]),
        );
        for (const object of objects(render(after, fullPlatform, 'b'.repeat(40)))) {
          const key = `${object.kind} ${object.metadata.name}`;
          if (old.has(key)) expect(immutable(object), key).toEqual(old.get(key));
        }
      }),
    );
  });

  it('every workload selects its own pods, and no other one', () => {
    fc.assert(
      fc.property(fullProjects, (project) => {
        const workloads = objects(render(running(project))).filter((object) => podTemplateOf(object));
        const labels = workloads.map((object) => podTemplateOf(object)?.metadata.labels ?? {});
        for (const [at, object] of workloads.entries()) {
          const { matchLabels } = (object['spec'] as { selector: { matchLabels: Record<string, string> } })
            .selector;
          const found = labels.map((own) =>
            Object.entries(matchLabels).every(([key, value]) => own[key] === value),
          );
          expect(found).toEqual(workloads.map((_, index) => index === at));
        }
      }),
    );
  });
});

describe('a pod template is the same, byte for byte', () => {
  /** Of both workloads, or of the one that is named. */
  const unchanged = (
    change: (spec: Spec, other: Spec) => Partial<Spec>,
    workload?: 'StatefulSet' | 'Deployment',
  ): void => {
    fc.assert(
      fc.property(fullProjects, fullProjects, (first, second) => {
        const project = running(first);
        const changed = withSpec(project, change(project.spec, second.spec));
        const [before, after] = [
          templates(render(project)),
          templates(render(changed, fullPlatform, 'c'.repeat(40))),
        ];
        for (const kind of workload === undefined ? Object.keys(before) : [workload])
          expect(after[kind]).toBe(before[kind]);
      }),
      { numRuns: 40 },
    );
  };

  it.each<[string, (spec: Spec, other: Spec) => Partial<Spec>]>([
    ['the name that is shown', (_, { displayName }) => ({ displayName })],
    ['the description', () => ({ description: 'another one' })],
    ['the variables', (_, { env }) => ({ env })],
    ['what the workspace begins with', (_, { workspace }) => ({ workspace })],
    ['the token of the terminal', (_, { terminal }) => ({ terminal })],
    ['another agent', ({ terminal }) => ({ terminal: { ...terminal, agent: 'none' } })],
    ['stopping it', () => ({ state: 'Stopped' })],
    ['more room', ({ sandbox }) => ({ sandbox: { ...sandbox, storage: '99Gi' } })],
    ['its ports', ({ sandbox }, other) => ({ sandbox: { ...sandbox, ports: other.sandbox.ports } })],
    [
      'whom it is for',
      ({ sandbox }, other) => ({ sandbox: { ...sandbox, visibility: other.sandbox.visibility } }),
    ],
    [
      'whom its ports are for',
      ({ sandbox }) => ({
        sandbox: {
          ...sandbox,
          ports: (sandbox.ports ?? []).map((port) => ({ ...port, visibility: 'public' as const })),
        },
      }),
    ],
    [
      'size, room and backups of a database',
      ({ database }) =>
        database === undefined
          ? {}
          : {
              database: {
                ...database,
                storage: '77Gi',
                preset: 'medium',
                backup: { schedule: '1 1 1 1 1', keep: { days: 1 } },
              },
            },
    ],
    [
      'how many pods a release has, and whom it is for',
      ({ release }) =>
        release === undefined
          ? {}
          : { release: { ...release, replicas: 4, maxReplicas: 9, visibility: 'members' as const } },
    ],
  ])('with %s', (_what, change) => {
    unchanged(change);
  });

  it("of the sandbox, with anything of the release; of the release, with anything of the sandbox's own", () => {
    unchanged((_, { release }) => ({ release: release && { ...release, database: false } }), 'StatefulSet');
    unchanged(
      (spec, { sandbox, env, terminal }) => ({ sandbox, env, terminal, restartedAt: '2030-01-01T00:00:00Z' }),
      'Deployment',
    );
  });

  it('with what the platform says of other things', () => {
    const other = structuredClone(fullPlatform) as { spec: PlatformDocument['spec'] } & PlatformDocument;
    other.spec.tenant.quota.pods = 1;
    other.spec.tenant.blockedEgress = [];
    other.spec.sandbox.allowedImages.push('another/image:1.0.0');
    other.spec.sandbox.defaultImage = 'another/image:1.0.0';
    other.spec.sandbox.defaultPreset = 'small';
    other.spec.exposure.tls = { mode: 'wildcard', secretName: 'wildcard' };
    other.spec.exposure.bodyLimit = '1Mi';
    other.spec.retention.deletedDays = 1;
    other.spec.database.defaultPreset = 'medium';
    fc.assert(
      fc.property(fullProjects, (project) => {
        expect(templates(render(running(project), other))).toEqual(templates(render(running(project))));
      }),
    );
  });
});

describe('a pod template differs', () => {
  const RELEASE: NonNullable<Spec['release']> = {
    image: `registry.example.com/app@sha256:${'a'.repeat(64)}`,
    replicas: 1,
    host: 'r8m2w5t1zq4c',
    env: [],
    preset: 'small',
  };

  it.each<[string, 'StatefulSet' | 'Deployment', Partial<Spec>]>([
    ['a restart', 'StatefulSet', { restartedAt: '2030-01-01T00:00:00Z' }],
    [
      'a database that comes',
      'StatefulSet',
      { database: { engine: 'postgresql', version: '16', storage: '1Gi', preset: 'small' } },
    ],
    [
      'another image of a release',
      'Deployment',
      { release: { ...RELEASE, image: RELEASE.image.replace('aa', 'bb') } },
    ],
    ['another size of a release', 'Deployment', { release: { ...RELEASE, preset: 'large' } }],
    ['another port of a release', 'Deployment', { release: { ...RELEASE, port: 9000 } }],
    [
      'another variable of a release',
      'Deployment',
      { release: { ...RELEASE, env: [{ name: 'A', value: 'b' }] } },
    ],
  ])('with %s', (_what, workload, change) => {
    fc.assert(
      fc.property(fullProjects, (project) => {
        const before = withSpec(running(project), { release: RELEASE });
        delete before.spec.restartedAt;
        delete before.spec.database;
        const [a, b] = [templates(render(before)), templates(render(withSpec(before, change)))];
        expect(b[workload]).not.toBe(a[workload]);
      }),
      { numRuns: 20 },
    );
  });
});
