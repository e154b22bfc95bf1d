import fc from 'fast-check';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ProjectDocument } from './documents/index.js';
import { readProject, writeDocument } from './documents/read-write.js';
import { renderProject, type Manifests } from './render.js';
import { environments, examplePlatform, exampleProject, projects } from './testing/arbitrary-documents.js';

const INTENT = '0123456789abcdef0123456789abcdef01234567';

const render = (project: ProjectDocument): Manifests =>
  renderProject({ platform: examplePlatform, project, intent: INTENT });

interface Parsed {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: Readonly<Record<string, unknown>>;
}

/** As Kubernetes and Flux read it: YAML 1.1. */
const parsed = (manifests: Manifests): ReadonlyMap<string, Parsed> =>
  new Map([...manifests].map(([file, text]) => [file, load(text, { schema: YAML11_SCHEMA }) as Parsed]));

const statefulSet = (project: ProjectDocument): Parsed | undefined =>
  parsed(render(project)).get(`statefulset-${project.metadata.name}.yaml`);

const podTemplate = (project: ProjectDocument): unknown => statefulSet(project)?.spec['template'];

/** The same data with the keys of every object the other way round. */
function reversed<T>(value: T): T {
  if (Array.isArray(value)) return value.map(reversed) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item as unknown)]),
  ) as T;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('the same bytes for the same documents', () => {
  it('whatever the order of the keys', () => {
    fc.assert(
      fc.property(projects, (project) => {
        const other = renderProject({
          platform: reversed(examplePlatform),
          project: reversed(project),
          intent: INTENT,
        });
        expect([...other]).toEqual([...render(project)]);
      }),
    );
  });

  it('whatever the order of the variables', () => {
    fc.assert(
      fc.property(environments, (env) => {
        const other = render(exampleProject({ env: [...env].reverse() }));
        expect([...other]).toEqual([...render(exampleProject({ env }))]);
      }),
    );
  });

  it.each([
    { TZ: 'Pacific/Kiritimati' },
    { LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' },
    { CDK8S_DISABLE_SORT: '1', CDK8S_LEGACY_HASH: '1', CDK8S_RECORD_CONSTRUCT_METADATA: 'true' },
  ])('whatever the environment: %j', (environment) => {
    fc.assert(
      fc.property(projects, (project) => {
        const before = [...render(project)];
        for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
        const after = [...render(project)];
        vi.unstubAllEnvs();
        expect(after).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });

  it('without asking for the time, the locale or a random number', () => {
    const project = exampleProject({ env: [{ name: 'A', value: 'ı' }] });
    const before = [...render(project)];
    const asked = (): never => {
      throw new Error('A pure function does not ask for this.');
    };
    vi.spyOn(Date, 'now').mockImplementation(asked);
    vi.spyOn(Math, 'random').mockImplementation(asked);
    vi.spyOn(String.prototype, 'localeCompare').mockImplementation(asked);
    vi.spyOn(String.prototype, 'toLocaleLowerCase').mockImplementation(asked);
    vi.stubGlobal('Intl', undefined);
    const after = [...render(project)];
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
    expect(after).toEqual(before);
  });

  it('after a way through git', () => {
    fc.assert(
      fc.property(projects, (project) => {
        const text = writeDocument(project);
        const back = readProject(text);
        expect(back).toEqual(project);
        expect(writeDocument(reversed(back))).toBe(text);
        expect([...render(back)]).toEqual([...render(project)]);
      }),
    );
  });
});

describe('values are data', () => {
  it('come back as they went in, as text, and change nothing but themselves', () => {
    fc.assert(
      fc.property(environments, (env) => {
        const objects = parsed(render(exampleProject({ env })));
        const plain = env.flatMap((entry) => ('value' in entry ? [[entry.name, entry.value] as const] : []));
        const sealed = env.flatMap((entry) =>
          'sealed' in entry ? [[entry.name, entry.sealed] as const] : [],
        );
        expect(Object.entries(objects.get('configmap-my-blog--env.yaml')?.data ?? {}).sort()).toEqual(
          plain.sort(),
        );
        const secret = objects.get('sealedsecret-my-blog--env.yaml')?.spec['encryptedData'];
        expect(Object.entries(secret ?? {}).sort()).toEqual(sealed.sort());
        const others = [...render(exampleProject({ env }))].filter(([file]) => !file.endsWith('--env.yaml'));
        const without = [...render(exampleProject())].filter(([file]) => !file.endsWith('--env.yaml'));
        expect(others).toEqual(without);
      }),
      { numRuns: 300 },
    );
  });

  it('every file is one object, called as it is', () => {
    fc.assert(
      fc.property(projects, (project) => {
        for (const [file, object] of parsed(render(project))) {
          expect(`${object.kind.toLowerCase()}-${object.metadata.name}.yaml`).toBe(file);
          expect(object.metadata.namespace).toBe(project.metadata.namespace);
        }
      }),
    );
  });

  it('no plain value of a variable is anywhere but in the ConfigMap', () => {
    const value = 'c0ffee-only-once';
    const files = [...render(exampleProject({ env: [{ name: 'A', value }] }))].filter(([, text]) =>
      text.includes(value),
    );
    expect(files.map(([file]) => file)).toEqual(['configmap-my-blog--env.yaml']);
  });
});

describe('the pod', () => {
  it('has the same selector whatever changes', () => {
    fc.assert(
      fc.property(projects, (project) => {
        const selector = statefulSet(project)?.spec['selector'];
        if (project.spec.state === 'Deleted') expect(selector).toBeUndefined();
        else
          expect(selector).toEqual({
            matchLabels: {
              'fullstackagent.dev/project': project.metadata.name,
              'fullstackagent.dev/workload': 'sandbox',
            },
          });
      }),
    );
  });

  it('does not change with variables, names, ports, storage, stopping or the document', () => {
    fc.assert(
      fc.property(projects, projects, (project, other) => {
        const base = { ...project, spec: { ...project.spec, state: 'Running' as const } };
        delete (base.spec as { deletedAt?: string }).deletedAt;
        const changed: ProjectDocument = {
          ...base,
          spec: {
            ...base.spec,
            state: 'Stopped',
            displayName: other.spec.displayName,
            description: 'another one',
            env: other.spec.env,
            terminal: other.spec.terminal,
            sandbox: { ...base.spec.sandbox, storage: '20Gi', ports: other.spec.sandbox.ports },
          },
        };
        const intent = 'f'.repeat(40);
        const files = renderProject({ platform: examplePlatform, project: changed, intent });
        const after = parsed(files).get(`statefulset-${project.metadata.name}.yaml`);
        expect(after?.spec['template']).toEqual(podTemplate(base));
      }),
    );
  });

  it.each<[string, Partial<ProjectDocument['spec']>]>([
    ['a restart', { restartedAt: '2026-11-23T08:00:00Z' }],
    ['another size', { sandbox: { ...exampleProject().spec.sandbox, preset: 'large' } }],
    [
      'another image',
      { sandbox: { ...exampleProject().spec.sandbox, image: 'fullstackagent/sandbox:0.2.0' } },
    ],
    ['a database', { database: { engine: 'postgresql', version: '16', storage: '10Gi', preset: 'small' } }],
  ])('changes with %s', (_what, change) => {
    expect(podTemplate(exampleProject(change))).not.toEqual(podTemplate(exampleProject()));
  });
});
