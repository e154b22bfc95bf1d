import fc from 'fast-check';
import { load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, type Document } from 'yaml';
import type { ProjectDocument } from './documents/index.js';
import { writeDocument } from './documents/read-write.js';
import { renderDelivery, renderProject, renderTenant, type Manifests } from './render.js';
import { exampleNames, renderExample } from './synth.js';
import { TOUGH_TEXT } from './testing/arbitrary-documents.js';
import { fullPlatform, fullProjects } from './testing/arbitrary-full-documents.js';
import { platforms, tenants } from './testing/arbitrary-tenants.js';
import { toYaml } from './yaml.js';

/** By the other parser: of one document, without an error or a warning. */
function other(text: string, version: '1.1' | '1.2'): unknown {
  const documents = parseAllDocuments(text, { version, uniqueKeys: true, strict: true }) as Document[];
  expect(documents.length).toBe(1);
  const [document] = documents;
  expect([document?.errors, document?.warnings]).toEqual([[], []]);
  return document?.toJS({ maxAliasCount: 0 });
}

function readAlike(text: string): unknown {
  const ours = load(text, { schema: YAML11_SCHEMA });
  for (const version of ['1.1', '1.2'] as const) expect(other(text, version)).toEqual(ours);
  return ours;
}

const all = (...manifests: readonly Manifests[]): readonly string[] =>
  manifests.flatMap((files) => [...files.values()]);

/** The same with every text that a person chose replaced by nothing: what is left is structure. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shapeOf(item)]));
};

describe('two parsers read alike, by YAML 1.1 and 1.2', () => {
  it.each(exampleNames())('every file of example %s', (example) => {
    for (const text of renderExample(example).values()) readAlike(text);
  });

  it('every file of any documents, and the documents themselves', () => {
    fc.assert(
      fc.property(platforms, tenants, fullProjects, (platform, tenant, project) => {
        const texts = all(
          renderProject({ platform, project, intent: '1e3' }),
          renderDelivery({ platform, project }),
          renderTenant({ platform, tenant, intent: '0x1' }),
        );
        for (const text of [...texts, writeDocument(project), writeDocument(tenant)]) readAlike(text);
      }),
      { numRuns: 30 },
    );
  });

  it('every text that somebody would like to take for something else', () => {
    for (const text of TOUGH_TEXT) expect(readAlike(toYaml({ [text]: [text] }))).toEqual({ [text]: [text] });
  });

  it('any text, as a value and as a key', () => {
    const texts = fc.oneof(
      fc.constantFrom(...TOUGH_TEXT),
      fc.string({ unit: 'grapheme' }),
      // What numbers, times and truth values are made of.
      fc.stringMatching(/^[-+.0-9_:eExXoObBTtZz ~<=]{0,12}$/),
      fc
        .constantFrom('y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false', 'null')
        .map((word) => word.toUpperCase()),
    );
    fc.assert(
      fc.property(texts, texts, (key, value) => {
        fc.pre(key !== '__proto__');
        const data = { a: value, [`k${key}`]: [value, { [key]: value }] };
        expect(readAlike(toYaml(data))).toEqual(data);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('no value changes the structure', () => {
  const PLAIN = 'x';
  const render = (project: ProjectDocument): readonly unknown[] =>
    all(renderProject({ platform: fullPlatform, project, intent: 'x' })).map(readAlike);

  it('whatever stands in a variable, a name or a description', () => {
    fc.assert(
      fc.property(fullProjects, fullProjects, (project, words) => {
        const { env } = project.spec;
        const withTexts = (
          displayName: string,
          description: string | undefined,
          texts: readonly string[],
        ) => ({
          ...project,
          spec: {
            ...project.spec,
            displayName,
            ...(description === undefined ? {} : { description }),
            env: env.map((entry, at) => ('value' in entry ? { ...entry, value: texts[at] ?? PLAIN } : entry)),
          },
        });
        const own = env.map((entry) => ('value' in entry ? entry.value : PLAIN));
        const { displayName, description } = words.spec;
        expect(shapeOf(render(withTexts(displayName, description, own)))).toEqual(
          shapeOf(render(withTexts(PLAIN, undefined, []))),
        );
      }),
      { numRuns: 30 },
    );
  });
});
