import fc from 'fast-check';
import {
  API_VERSION,
  plainVariableValue,
  AGENTS,
  RESERVED_VARIABLES,
  type PlatformDocument,
  type ProjectDocument,
  type ProjectVariable,
} from '../documents/index.js';

/** Text that some reader of YAML, or some shell, would like to take for something else. */
export const TOUGH_TEXT: readonly string[] = [
  ...[
    '',
    ' ',
    '~',
    'null',
    'Null',
    'true',
    'yes',
    'No',
    'ON',
    'off',
    'y',
    'N',
    '=',
    '<<',
    '.inf',
    '-.INF',
    '.nan',
  ],
  ...[
    '0',
    '-0',
    '010',
    '0o7',
    '0x1',
    '0b1',
    '1_000',
    '1e3',
    '1E5',
    '+1',
    '.5',
    '5.',
    '1:20',
    '190:20:30.15',
    '1__0',
  ],
  ...[
    '2001-01-01',
    '2001-1-1',
    '2001-12-14t21:59:43.10-05:00',
    '16.4.0',
    '1e',
    'e0',
    'E12',
    'e-5',
    'e+5',
    '0x',
    '08',
    '12345678901234567890',
  ],
  ...[
    '---',
    '...',
    '--- x',
    '-',
    '- a',
    '? x',
    '?',
    ':',
    'a: b',
    'a:',
    ': a',
    'a #c',
    '#c',
    '%TAG',
    '@a',
    '`a`',
    '!x',
    '&a',
  ],
  ...[
    '*a',
    '|',
    '>',
    '|-',
    '[a',
    ']',
    '{a',
    '}',
    ',',
    '"q',
    "'q",
    "it's",
    '\\',
    '\\n',
    '$(PGPASSWORD)',
    '$$(X)',
    '${HOME}',
  ],
  ...[
    '\t',
    '\ta',
    'a\tb',
    'a\n',
    '\n',
    '\n\n',
    '\na',
    ' \n a',
    'a\n\n',
    'a\r\nb',
    'a\rb',
    '  a\n b\n',
    'a \nb',
    'a\n---\nb',
  ],
  ...[
    'x\nkind: Secret\n---\napiVersion: v1\n',
    '#!/bin/sh\necho hi\n',
    '{{ .Values.x }}',
    '<%= x %>',
    '!!binary aGk=',
  ],
  ...['\u0001', '\u001b[0m', '\u00a0', '\ufeff', 'a\ufeff', '\ue000', '😀', 'é'],
  'x'.repeat(5000),
  'word '.repeat(500),
];

/** Any value a plain variable may have. */
export const variableValues: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...TOUGH_TEXT),
  fc.tuple(fc.constantFrom(...TOUGH_TEXT), fc.constantFrom(...TOUGH_TEXT)).map(([a, b]) => `${a}\n${b}`),
  fc.string({ unit: 'grapheme', maxLength: 40 }).filter(isValue),
  fc.string({ unit: 'binary', maxLength: 40 }).filter(isValue),
);

function isValue(text: string): boolean {
  return plainVariableValue.safeParse(text).success;
}

export const variableNames: fc.Arbitrary<string> = fc
  .oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      'resolve',
      'toJSON',
      'name',
      'kind',
    ),
    fc.constantFrom('y', 'no', 'NULL', 'metadata', 'data', 'A', '_', '_1'),
    fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/),
  )
  .filter((name) => !RESERVED_VARIABLES.includes(name));

const sealedValues = fc.stringMatching(/^Ag[A-Za-z0-9+/]{1,60}={0,2}$/);

const variables: fc.Arbitrary<ProjectVariable> = fc.oneof(
  fc.record({ name: variableNames, value: variableValues }),
  fc.record({ name: variableNames, sealed: sealedValues }),
);

export const environments = fc.uniqueArray(variables, { selector: ({ name }) => name, maxLength: 12 });

// eslint-disable-next-line no-control-regex -- as in the schema
const CONTROL = /[\u0000-\u001f\u007f\u2028\u2029]/;

const oneLine = fc.oneof(
  fc.constantFrom(
    'My Blog',
    'yes',
    '0x1',
    '2001-01-01',
    '- a',
    '#c',
    'a: b',
    '*',
    '& co',
    '漢字',
    '---',
    '"',
  ),
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => text.trim() === text && text !== '' && isValue(text) && !CONTROL.test(text)),
);

const projectNames = fc
  .stringMatching(/^[a-z](?:-?[a-z0-9]){0,12}$/)
  .filter((name) => !['default', 'kubernetes', 'new', 'sandbox', 'settings', 'tenant'].includes(name));

const instants = fc.constantFrom('2026-11-23T08:00:00Z', '2027-01-01T00:00:00Z');

const databases = fc.record({
  engine: fc.constant('postgresql' as const),
  version: fc.constant('16'),
  storage: fc.constantFrom('1024Mi', '10Gi', '2048Gi'),
  preset: fc.constantFrom('small', 'medium'),
});

const ports = fc.uniqueArray(
  fc.record({
    port: fc.integer({ min: 8000, max: 9000 }),
    name: fc.stringMatching(/^x[a-z0-9]{0,14}$/),
    visibility: fc.constantFrom('members' as const, 'public' as const),
  }),
  { selector: ({ name }) => name, maxLength: 3 },
);

const specs = fc.record(
  {
    displayName: oneLine,
    description: fc.constantFrom('A blog', '', 'two\nlines\n', ' spaces ', 'tab\there'),
    restartedAt: instants,
    host: fc.stringMatching(/^[a-z0-9]{12}$/),
    sandbox: fc.record(
      {
        image: fc.constantFrom('fullstackagent/sandbox:0.1.0', 'fullstackagent/sandbox:0.2.0'),
        preset: fc.constantFrom('small', 'medium', 'large'),
        storage: fc.constantFrom('512Mi', '1024Mi', '10Gi'),
        ports: ports.filter((list) => new Set(list.map(({ port }) => port)).size === list.length),
      },
      { requiredKeys: ['image', 'preset', 'storage'] },
    ),
    database: databases,
    terminal: fc.record(
      { sealedToken: sealedValues, agent: fc.constantFrom(...AGENTS) },
      { requiredKeys: ['sealedToken'] },
    ),
    env: environments,
  },
  { requiredKeys: ['displayName', 'host', 'sandbox', 'terminal', 'env'] },
);

const states = fc.oneof(
  fc.constant({ state: 'Running' as const }),
  fc.constant({ state: 'Stopped' as const }),
  instants.map((deletedAt) => ({ state: 'Deleted' as const, deletedAt })),
);

/** Documents that are valid and fit {@link examplePlatform}. */
export const projects: fc.Arbitrary<ProjectDocument> = fc
  .record({ name: projectNames, spec: specs, state: states })
  .map(({ name, spec, state }) => ({
    apiVersion: API_VERSION,
    kind: 'Project',
    metadata: { name, namespace: 'ns-ajno7yq7' },
    spec: { ...spec, ...state },
  }));

export const examplePlatform: PlatformDocument = {
  apiVersion: API_VERSION,
  kind: 'Platform',
  metadata: { name: 'platform' },
  spec: {
    exposure: {
      domain: 'apps.example.com',
      ingressClass: 'nginx',
      tls: { mode: 'none' },
      ingressNamespace: 'ingress-nginx',
    },
    controller: { namespace: 'fullstackagent-system', serviceAccount: 'controller' },
    sandbox: {
      defaultImage: 'fullstackagent/sandbox:0.1.0',
      allowedImages: ['fullstackagent/sandbox:0.1.0', 'fullstackagent/sandbox:0.2.0'],
      presets: {
        small: { cpu: '500m', memory: '1Gi' },
        medium: { cpu: '2', memory: '4Gi' },
        large: { cpu: '4', memory: '8Gi' },
      },
      defaultPreset: 'medium',
      defaultStorage: '10Gi',
    },
    database: {
      componentDefs: { '16': 'postgresql-16-1.0.2' },
      serviceVersions: { '16': '16.4.0' },
      defaultVersion: '16',
      presets: { small: { cpu: '500m', memory: '512Mi' }, medium: { cpu: '1', memory: '1024Mi' } },
      defaultPreset: 'small',
      defaultStorage: '10Gi',
    },
    tenant: {
      quota: { cpu: '16', memory: '32Gi', storage: '200Gi', pods: 40, volumes: 40 },
      blockedEgress: ['10.0.0.0/8', '169.254.0.0/16'],
    },
    sealing: { certificate: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n' },
    retention: { deletedDays: 14 },
    renderer: { version: '1' },
  },
};

/** A small valid project; a test changes what it is about. */
export function exampleProject(spec: Partial<ProjectDocument['spec']> = {}): ProjectDocument {
  return {
    apiVersion: API_VERSION,
    kind: 'Project',
    metadata: { name: 'my-blog', namespace: 'ns-ajno7yq7' },
    spec: {
      displayName: 'My Blog',
      state: 'Running',
      host: 'k3x9q2mvt7ab',
      sandbox: { image: 'fullstackagent/sandbox:0.1.0', preset: 'medium', storage: '10Gi' },
      terminal: { sealedToken: 'AgBterminal=' },
      env: [],
      ...spec,
    },
  };
}
