import { createHash } from 'node:crypto';
import { apiVersionOf, KINDS, type Kind } from '../store/kinds.js';
import { DESCRIPTIONS, FIELDS } from './descriptions.js';
import { notFound } from './status.js';

/**
 * What is served, for clients that read it: kinds with their first fields, and the requests there are. The fields below
 * are open: manifests are checked by who renders them, and this engine takes what it does not know.
 */

const INFO = { title: 'FullstackAgent engine', version: 'v1.33.0-fullstackagent' };
const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const DATA_KINDS = ['ConfigMap', 'Secret'];

/** Where the schemas of a group and version are: `api/v1`, `apis/apps/v1`. */
const pathOf = (kind: Kind): string => `${kind.group === '' ? 'api' : 'apis'}/${apiVersionOf(kind)}`;
const paths = [...new Set(KINDS.map(pathOf))];

/** `/openapi/…` and nothing else. Throws ApiError. */
export function openApi(path: string): object {
  if (path === '/openapi/v2') return versionTwo();
  if (path === '/openapi/v3') return index();
  const wanted = paths.find((one) => path === `/openapi/v3/${one}`);
  if (wanted === undefined) throw notFound('There is no such description here.');
  return versionThree(KINDS.filter((kind) => pathOf(kind) === wanted));
}

/** The hash lets clients keep what they read. */
function index(): object {
  const entry = (path: string): [string, object] => {
    const text = JSON.stringify(openApi(`/openapi/v3/${path}`));
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
  };
  return { paths: Object.fromEntries(paths.map(entry)) };
}

const versionThree = (kinds: readonly Kind[]): object => ({
  openapi: '3.0.0',
  info: INFO,
  paths: Object.fromEntries(kinds.flatMap((kind) => pathsOf(kind, contentThree))),
  components: {
    schemas: schemasOf(kinds, '#/components/schemas/'),
    securitySchemes: { BearerToken: { type: 'http', scheme: 'bearer' } },
  },
  security: [{ BearerToken: [] }],
});

const versionTwo = (): object => ({
  swagger: '2.0',
  info: INFO,
  paths: Object.fromEntries(KINDS.flatMap((kind) => pathsOf(kind, contentTwo))),
  definitions: schemasOf(KINDS, '#/definitions/'),
  securityDefinitions: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
  security: [{ BearerToken: [] }],
});

const nameOf = ({ group, version, kind }: Kind): string =>
  [...(group === '' ? ['core'] : group.split('.').reverse()), version, kind].join('.');

const identity = ({ group, version, kind }: Kind): object => ({ group, version, kind });

function schemasOf(kinds: readonly Kind[], at: string): object {
  const metadata = { $ref: at + META };
  return Object.fromEntries([
    [META, OBJECT_META],
    ...kinds.flatMap((kind): [string, object][] => {
      const name = nameOf(kind);
      const listed = { type: 'array', items: { $ref: at + name } };
      return [
        [name, schemaOf(kind, metadata)],
        [
          `${name}List`,
          {
            type: 'object',
            description: `Several of ${kind.kind}.`,
            required: ['items'],
            properties: { apiVersion: TEXT, kind: TEXT, metadata: OPEN, items: listed },
            'x-kubernetes-group-version-kind': [{ ...identity(kind), kind: `${kind.kind}List` }],
          },
        ],
      ];
    }),
  ]);
}

const TEXT = { type: 'string' };
const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const TEXTS = { type: 'object', additionalProperties: TEXT };

function schemaOf(kind: Kind, metadata: object): object {
  const content = DATA_KINDS.includes(kind.kind)
    ? { data: { ...TEXTS, description: FIELDS.data } }
    : { spec: { ...OPEN, description: FIELDS.spec }, status: { ...OPEN, description: FIELDS.status } };
  return {
    type: 'object',
    description: DESCRIPTIONS[kind.kind] ?? kind.kind,
    properties: {
      apiVersion: { ...TEXT, description: FIELDS.apiVersion },
      kind: { ...TEXT, description: FIELDS.kind },
      metadata: { description: FIELDS.metadata, allOf: [metadata] },
      ...content,
    },
    'x-kubernetes-group-version-kind': [identity(kind)],
    'x-kubernetes-preserve-unknown-fields': true,
  };
}

const described = (schema: object, description: string): object => ({ ...schema, description });

const OBJECT_META = {
  type: 'object',
  description: FIELDS.metadata,
  properties: {
    name: described(TEXT, 'Unique among its kind in the namespace.'),
    namespace: described(TEXT, 'The tenant. What belongs to the machine has none.'),
    labels: described(TEXTS, 'What it is selected by.'),
    annotations: described(TEXTS, 'What others wrote down about it.'),
    uid: described(
      TEXT,
      'Another one after it was deleted and made again, and after a restart of the engine.',
    ),
    resourceVersion: described(TEXT, 'Another one after each change. A watch goes on from it.'),
    generation: described({ type: 'integer', format: 'int64' }, 'Counts changes of what is wanted.'),
    creationTimestamp: described({ type: 'string', format: 'date-time' }, 'When the engine saw it first.'),
    deletionTimestamp: described(
      { type: 'string', format: 'date-time' },
      'It is being taken away since then.',
    ),
  },
};

type Content = (kind: string) => object;

const contentThree: Content = (name) => ({
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
});
const contentTwo: Content = (name) => ({ schema: { $ref: `#/definitions/${name}` } });

function pathsOf(kind: Kind, content: Content): readonly [string, object][] {
  const root = `/${pathOf(kind)}/`;
  const inside = kind.namespaced ? `${root}namespaces/{namespace}/` : root;
  const own = parameters(content, kind.namespaced ? ['namespace'] : []);
  const one = parameters(content, kind.namespaced ? ['namespace', 'name'] : ['name']);
  const several = { get: operation(kind, 'list', content(`${nameOf(kind)}List`)) };
  return [
    ...(kind.namespaced ? [[root + kind.plural, several] satisfies [string, object]] : []),
    [inside + kind.plural, { ...several, post: refused(kind, 'post', content), parameters: own }],
    [
      `${inside}${kind.plural}/{name}`,
      {
        get: operation(kind, 'get', content(nameOf(kind))),
        ...(kind.kind === 'Pod' ? { delete: operation(kind, 'delete', content(nameOf(kind))) } : {}),
        patch: refused(kind, 'patch', content),
        parameters: one,
      },
    ],
  ];
}

const typed = (content: Content): ((type: string) => object) =>
  content === contentThree ? (type) => ({ schema: { type } }) : (type) => ({ type });

const parameters = (content: Content, names: readonly string[]): readonly object[] =>
  names.map((name) => ({ name, in: 'path', required: true, ...typed(content)('string') }));

const operation = (kind: Kind, action: string, body: object): object => ({
  description: `${action} ${kind.kind}`,
  responses: { '200': { description: 'OK', ...body } },
  'x-kubernetes-action': action,
  'x-kubernetes-group-version-kind': identity(kind),
});

/**
 * Described so that clients ask, and are told in a sentence: without these kubectl stops before it asks, with another
 * one about descriptions.
 */
const refused = (kind: Kind, action: string, content: Content): object => ({
  description: 'Always refused: changes go through git, or the portal.',
  parameters: ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
    ...{ name, in: 'query' },
    ...typed(content)('string'),
  })),
  responses: { '405': { description: 'Changes go through git, or the portal.' } },
  'x-kubernetes-action': action,
  'x-kubernetes-group-version-kind': identity(kind),
});
