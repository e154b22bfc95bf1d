import fc from 'fast-check';
import { JSON_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { DocumentError } from '../errors.js';
import { examplePlatform, exampleProject, projects, variableValues } from '../testing/arbitrary-documents.js';
import { fromYaml, toYaml } from '../yaml.js';
import type { PlatformDocument } from './platform.js';
import { readPlatform, readProject, readTenant, writeDocument } from './read-write.js';

const text = writeDocument(exampleProject());

function issuesOf(read: () => unknown): readonly { field: string; message: string }[] {
  try {
    read();
  } catch (error) {
    if (error instanceof DocumentError) return error.issues;
    throw error;
  }
  return [];
}

/** The example as text, with one spot of its data changed. */
function projectText(
  change: (spec: Record<string, unknown>, document: Record<string, unknown>) => void,
): string {
  const document = structuredClone(exampleProject()) as unknown as Record<string, unknown>;
  change(document['spec'] as Record<string, unknown>, document);
  return toYaml(document);
}

describe('a document', () => {
  it('comes back from its text, and the text from the document', () => {
    fc.assert(
      fc.property(projects, (project) => {
        const written = writeDocument(project);
        expect(readProject(written)).toEqual(project);
        expect(writeDocument(readProject(written))).toBe(written);
      }),
    );
  });

  it('keeps every value byte for byte, and no value becomes structure', () => {
    fc.assert(
      fc.property(variableValues, variableValues, (first, second) => {
        const env = [
          { name: 'A', value: first },
          { name: 'B', value: second },
        ];
        const written = writeDocument(exampleProject({ env }));
        expect(readProject(written).spec.env).toEqual(env);
        expect(written).not.toContain('\r');
        expect(written.endsWith('\n')).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('has its fields in the order of the schema', () => {
    const keys = [
      ...writeDocument(exampleProject({ restartedAt: '2026-11-23T08:00:00Z' })).matchAll(/^ {0,2}(\w+):/gm),
    ];
    expect(keys.map(([, key]) => key)).toEqual([
      ...[
        'apiVersion',
        'kind',
        'metadata',
        'name',
        'namespace',
        'spec',
        'displayName',
        'state',
        'restartedAt',
      ],
      ...['host', 'sandbox', 'terminal', 'env'],
    ]);
  });

  it('changes by one line for one field', () => {
    const other = writeDocument(exampleProject({ state: 'Stopped' }));
    const lines = text.split('\n');
    expect(other.split('\n').filter((line, index) => line !== lines[index])).toEqual(['  state: Stopped']);
  });

  it('that would not read back is not written', () => {
    expect(() => writeDocument(exampleProject({ host: 'UPPER' }))).toThrow(DocumentError);
  });
});

describe('what is wrong is named', () => {
  it.each<[string, string, string, RegExp]>([
    ['an unknown field', text.replace('spec:', 'spec:\n  replicas: 3'), 'spec.replicas', /no such field/],
    [
      'a prototype',
      text.replace('spec:', 'spec:\n  __proto__: {state: Stopped}'),
      'spec.__proto__',
      /no such field/,
    ],
    [
      'an unknown field in a variable',
      projectText((s) => (s['env'] = [{ name: 'A', value: '', x: 1 }])),
      'spec.env.0.x',
      /no such field/,
    ],
    ['a missing field', text.replace(/^ {2}host: .*\n/m, ''), 'spec.host', /missing/],
    ['a missing value', projectText((s) => (s['env'] = [{ name: 'A' }])), 'spec.env.0.value', /missing/],
    [
      'a number for a text',
      projectText((s) => (s['env'] = [{ name: 'A', value: 5 }])),
      'spec.env.0.value',
      /Expected string, received number\./,
    ],
    [
      'a variable without a name',
      projectText((s) => (s['env'] = [{ name: '', value: '' }])),
      'spec.env.0.name',
      /needs a name/,
    ],
    ...['PORT', 'FULLSTACKAGENT_RUN_DIR', 'FULLSTACKAGENT_WORKSPACE'].map(
      (name): [string, string, string, RegExp] => [
        `a variable of the platform, ${name}`,
        projectText((s) => (s['env'] = [{ name, value: '/workspace' }])),
        'spec.env.0.name',
        /set by the platform/,
      ],
    ),
    ['a NUL byte', projectText((s) => (s['env'] = [{ name: 'A', value: 'a\0' }])), 'spec.env.0.value', /NUL/],
    ...['\u007f', '\u0085', '\u009f', '\u2028', '\uffff'].map(
      (character): [string, string, string, RegExp] => [
        `a character that kustomize cannot read, ${JSON.stringify(character)}`,
        projectText((s) => (s['env'] = [{ name: 'A', value: `a${character}` }])),
        'spec.env.0.value',
        /as a secret/,
      ],
    ),
    [
      'half a character',
      projectText((s) => (s['env'] = [{ name: 'A', value: '\ud800' }])),
      'spec.env.0.value',
      /Unicode/,
    ],
    [
      'a value of 64 KiB and a byte',
      projectText((s) => (s['env'] = [{ name: 'A', value: 'é'.repeat(32 * 1024) + 'x' }])),
      'spec.env.0.value',
      /64 KiB/,
    ],
    [
      'two of a name',
      projectText(
        (s) =>
          (s['env'] = [
            { name: 'A', value: '' },
            { name: 'A', sealed: 'AgBx' },
          ]),
      ),
      'spec.env.1.name',
      /twice/,
    ],
    [
      'a value that is not sealed',
      projectText((s) => (s['env'] = [{ name: 'A', sealed: 'hunter2' }])),
      'spec.env.0.sealed',
      /not a sealed value/,
    ],
    ['a version of the future', text.replace('v1alpha1', 'v2'), 'apiVersion', /v1alpha1/],
    [
      'a name with two hyphens',
      projectText((_spec, d) => (d['metadata'] = { name: 'a--b', namespace: 'ns-ajno7yq7' })),
      'metadata.name',
      /two hyphens/,
    ],
    [
      'a deletion without its time',
      projectText((s) => (s['state'] = 'Deleted')),
      'spec.deletedAt',
      /deletedAt/,
    ],
    [
      "the terminal's port",
      projectText(
        (s) =>
          (s['sandbox'] = {
            ...exampleProject().spec.sandbox,
            ports: [{ port: 7681, name: 'x', visibility: 'public' }],
          }),
      ),
      'spec.sandbox.ports.0.port',
      /the app or the terminal/,
    ],
    [
      "the terminal's name",
      projectText(
        (s) =>
          (s['sandbox'] = {
            ...exampleProject().spec.sandbox,
            ports: [{ port: 5000, name: 'ttyd', visibility: 'public' }],
          }),
      ),
      'spec.sandbox.ports.0.name',
      /the app or the terminal/,
    ],
  ])('%s', (...[, wrong, field, message]) => {
    const issues = issuesOf(() => readProject(wrong));
    expect(issues.map((issue) => issue.field)).toEqual([field]);
    expect(issues[0]?.message).toMatch(message);
  });

  it('all at once', () => {
    const wrong = projectText((spec) => {
      spec['host'] = 'X';
      spec['state'] = 'Paused';
      spec['more'] = true;
    });
    expect(issuesOf(() => readProject(wrong)).map(({ field }) => field)).toEqual([
      'spec.state',
      'spec.host',
      'spec.more',
    ]);
  });

  it('two ports with one number, or one name', () => {
    const ports = [
      { port: 5000, name: 'a', visibility: 'public' },
      { port: 5000, name: 'b', visibility: 'public' },
      { port: 5001, name: 'a', visibility: 'public' },
    ];
    const wrong = projectText((spec) => (spec['sandbox'] = { ...exampleProject().spec.sandbox, ports }));
    expect(issuesOf(() => readProject(wrong)).map(({ field }) => field)).toEqual([
      'spec.sandbox.ports.1.port',
      'spec.sandbox.ports.2.name',
    ]);
  });
});

describe('text that is no document', () => {
  const bomb = ['a: &a [x, x]', 'b: &b [*a, *a]', 'c: &c [*b, *b]', 'd: [*c, *c]'].join('\n');

  it.each([
    ['nothing', ''],
    ['two documents', `${text}---\n${text}`],
    ['a key that is there twice', `${text}kind: Project\n`],
    ['an alias', 'a: &x 1\nb: *x\n'],
    ['a bomb', bomb],
    ['a tag of a language', 'a: !!js/function "x"\n'],
    ['binary data', '\u0000\u0001'],
    ['a nesting without end', '['.repeat(5000)],
    ['more than 1.5 MiB', `a: ${'x'.repeat(1.5 * 1024 * 1024)}\n`],
  ])('%s is refused with a sentence', (_what, wrong) => {
    const issues = issuesOf(() => readProject(wrong));
    expect(issues).toHaveLength(1);
    expect(issues[0]?.field).toBe('');
    expect(issues[0]?.message).toMatch(
      /^(This is not a YAML document: .*|The document has more than 1536 KiB)\.$/,
    );
  });

  it('is not quoted in the message: a secret may stand in it', () => {
    const [issue] = issuesOf(() => readProject('password: "hunter2\n'));
    expect(issue?.message).not.toContain('hunter2');
  });

  it.each(['[]', 'null', '5', 'text'])('neither is %s', (wrong) => {
    expect(issuesOf(() => readTenant(wrong)).map(({ field }) => field)).toEqual(['']);
  });
});

describe('YAML', () => {
  it('is written so that all readings of YAML agree on what is text', () => {
    fc.assert(
      fc.property(variableValues, (value) => {
        expect(load(toYaml({ value }), { schema: YAML11_SCHEMA })).toEqual({ value });
        expect(load(toYaml({ value }), { schema: JSON_SCHEMA })).toEqual({ value });
        expect(fromYaml(toYaml([{ [`k${value.length}`]: value }]))).toEqual([
          { [`k${value.length}`]: value },
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it('reads a date, a merge key and a yes as text, as YAML 1.2 does', () => {
    expect(fromYaml('a: 2001-01-01\nb: yes\nc: {<<: x}\n')).toEqual({
      a: '2001-01-01',
      b: 'yes',
      c: { '<<': 'x' },
    });
  });
});

describe('the platform', () => {
  const platformText = (change: (spec: PlatformDocument['spec']) => void): string => {
    const copy = structuredClone(examplePlatform);
    change(copy.spec);
    return toYaml(copy);
  };

  it.each<[string, (spec: PlatformDocument['spec']) => void, string]>([
    ['image', (spec) => (spec.sandbox.defaultImage = 'x'), 'spec.sandbox.defaultImage'],
    ['size', (spec) => (spec.sandbox.defaultPreset = 'constructor'), 'spec.sandbox.defaultPreset'],
    ['database size', (spec) => (spec.database.defaultPreset = 'x'), 'spec.database.defaultPreset'],
    ['range', (spec) => (spec.tenant.blockedEgress = ['10.0.0.0/33']), 'spec.tenant.blockedEgress.0'],
    ['domain', (spec) => (spec.exposure.domain = 'a..b'), 'spec.exposure.domain'],
  ])('refuses a default or a value that cannot work: %s', (_what, change, field) => {
    expect(issuesOf(() => readPlatform(platformText(change))).map((issue) => issue.field)).toEqual([field]);
  });
});
