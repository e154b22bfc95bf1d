import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, loadAll } from 'js-yaml';
import { beforeEach, describe, expect, it } from 'vitest';
import { exampleNames, renderExample } from './synth.js';
import { structuralProblems, type StructuralSchema } from './testing/structural-schema.js';

const CRDS = fileURLToPath(new URL('../../../shared/crds', import.meta.url));
const TEMPLATE = fileURLToPath(new URL('../../gitops-template', import.meta.url));
const present = existsSync(CRDS);

interface Crd {
  readonly spec: {
    readonly group: string;
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
    }[];
  };
}

interface CustomObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/** `<apiVersion> <kind>` to what the CRD says. */
function schemas(): ReadonlyMap<string, StructuralSchema> {
  const crds = readdirSync(CRDS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => load(readFileSync(join(CRDS, file), 'utf8')) as Crd);
  return new Map(
    crds.flatMap(({ spec }) =>
      spec.versions.map(
        ({ name, schema }) => [`${spec.group}/${name} ${spec.names.kind}`, schema.openAPIV3Schema] as const,
      ),
    ),
  );
}

const isCustom = ({ apiVersion }: CustomObject): boolean =>
  /\.(io|com|dev)\//.test(apiVersion) && !/^[a-z.]+\.k8s\.io\//.test(apiVersion);

describe('custom resources have no field that their CRD does not know', () => {
  beforeEach((test) =>
    test.skip(!present, 'the CRDs in ../shared/crds, beside the repository, are not there'),
  );
  const known = present ? schemas() : new Map<string, StructuralSchema>();
  const problems = (object: CustomObject): readonly string[] => {
    const schema = known.get(`${object.apiVersion} ${object.kind}`);
    return schema === undefined
      ? [`There is no CRD of ${object.apiVersion} ${object.kind}.`]
      : structuralProblems(schema, object, object.kind);
  };

  it.each(exampleNames())('in example %s', (name) => {
    const objects = [...renderExample(name).values()].map((text) => load(text) as CustomObject);
    expect(objects.filter(isCustom).flatMap(problems)).toEqual([]);
  });

  it('in the Kustomizations of the examples, which are there', () => {
    const all = exampleNames().flatMap((name) =>
      [...renderExample(name).values()].map((text) => load(text) as CustomObject),
    );
    const kustomizations = all.filter(({ kind }) => kind === 'Kustomization');
    expect(kustomizations.length).toBeGreaterThan(1);
    expect(kustomizations.flatMap(problems)).toEqual([]);
    const wrong = { ...kustomizations[0], spec: { pruned: true } } as CustomObject;
    expect(problems(wrong)).toContainEqual(expect.stringContaining('pruned: unknown'));
  });

  it.each(['argocd', 'flux'])('in the template for %s', (applier) => {
    const files = readdirSync(join(TEMPLATE, applier)).filter((file) => file.endsWith('.yaml'));
    const objects = files.flatMap(
      (file) => loadAll(readFileSync(join(TEMPLATE, applier, file), 'utf8')) as CustomObject[],
    );
    expect(objects.filter(isCustom).length).toBeGreaterThan(1);
    expect(objects.filter(isCustom).flatMap(problems)).toEqual([]);
  });

  it('and the check itself sees a wrong field, a wrong type and a wrong value', () => {
    const cluster = (component: object): CustomObject & { spec: object } => ({
      apiVersion: 'apps.kubeblocks.io/v1',
      kind: 'Cluster',
      spec: {
        terminationPolicy: 'Delete',
        componentSpecs: [{ name: 'postgresql', replicas: 1, ...component }],
      },
    });
    expect(problems(cluster({}))).toEqual([]);
    expect(problems(cluster({ replica: 1 }))).toEqual([expect.stringContaining('replica: unknown')]);
    expect(problems(cluster({ replicas: '1' }))).toEqual([
      expect.stringContaining('replicas: not of type integer'),
    ]);
    expect(problems(cluster({ podUpdatePolicy: 'Never' }))).toEqual([
      expect.stringContaining('podUpdatePolicy: not one of'),
    ]);
    expect(problems(cluster({ name: 'UPPER' }))).toEqual([expect.stringContaining('name: does not match')]);
  });
});
