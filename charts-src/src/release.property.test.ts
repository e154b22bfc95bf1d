import fc from 'fast-check';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import type { ProjectDocument } from './documents/index.js';
import { renderProject } from './render.js';
import { environments, exampleProject } from './testing/arbitrary-documents.js';
import { fullPlatform, fullProjects } from './testing/arbitrary-full-documents.js';

type Release = NonNullable<ProjectDocument['spec']['release']>;
type Variables = Release['env'];

const files = (project: ProjectDocument): ReadonlyMap<string, string> =>
  renderProject({ platform: fullPlatform, project, intent: 'a'.repeat(40) });

const withVariables = (env: Variables): ReadonlyMap<string, string> =>
  files(
    exampleProject({
      release: {
        image: `registry.example.com/app@sha256:${'a'.repeat(64)}`,
        replicas: 1,
        host: 'r8m2w5t1zq4c',
        env,
        preset: 'small',
      },
    }),
  );

const HELD = /^(configmap|sealedsecret)-my-blog--release-env-[a-z0-9]{13}\.yaml$/;

/** The text of the file of that kind which holds the variables. */
const held = (manifests: ReadonlyMap<string, string>, kind: string): string =>
  [...manifests].find(([file]) => HELD.exec(file)?.[1] === kind)?.[1] ?? '{}';

const pairs = (env: Variables, key: 'value' | 'sealed'): readonly (readonly [string, string])[] =>
  env
    .flatMap((entry) =>
      key in entry ? [[entry.name, (entry as Record<string, string>)[key] ?? ''] as const] : [],
    )
    .sort();

describe("a release's variables are data", () => {
  it('come back as they went in, as text', () => {
    fc.assert(
      fc.property(environments, (env) => {
        const manifests = withVariables(env);
        const plain = load(held(manifests, 'configmap'), { schema: YAML11_SCHEMA }) as { data?: object };
        expect(Object.entries(plain.data ?? {}).sort()).toEqual(pairs(env, 'value'));
        const secret = load(held(manifests, 'sealedsecret'), { schema: YAML11_SCHEMA }) as {
          spec?: { encryptedData: object };
        };
        expect(Object.entries(secret.spec?.encryptedData ?? {}).sort()).toEqual(pairs(env, 'sealed'));
      }),
      { numRuns: 200 },
    );
  });

  it('change nothing else but the name that they are found under', () => {
    const nameless = (manifests: ReadonlyMap<string, string>): unknown =>
      [...manifests]
        .filter(([file]) => !HELD.test(file))
        .map(([file, text]) => [file, text.replaceAll(/--release-env-[a-z0-9]{13}$/gm, '--release-env')]);
    const both: Variables = [
      { name: 'A', value: '1' },
      { name: 'B', sealed: 'AgBb' },
    ];
    const before = nameless(withVariables(both));
    fc.assert(
      fc.property(environments, (env) => {
        fc.pre(pairs(env, 'value').length > 0 && pairs(env, 'sealed').length > 0);
        expect(nameless(withVariables(env))).toEqual(before);
      }),
    );
  });

  it('are found under the same name in whatever order they are written', () => {
    fc.assert(
      fc.property(environments, (env) => {
        expect([...withVariables([...env].reverse())]).toEqual([...withVariables(env)]);
      }),
    );
  });
});

/** Kubernetes and Flux read YAML 1.1, most others 1.2. */
it('two kinds of readers read every file alike', () => {
  fc.assert(
    fc.property(fullProjects, (project) => {
      for (const [file, text] of files(project))
        expect(load(text, { schema: YAML11_SCHEMA }), file).toEqual(load(text, { schema: CORE_SCHEMA }));
    }),
  );
});
