import { errorCodes, SESSION_ID } from '@fullstackagent/controller/contract';
import { z } from 'zod';
import { operations, type Operation } from './operations.js';

/** The public API as OpenAPI 3.1. What requests may contain comes from the schemas that check them. */
export function openApiDocument(origin: string): Record<string, unknown> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'FullstackAgent',
      version: '1',
      description:
        'Cloud development sandboxes, recorded as git commits. Errors are RFC 9457 problem documents. ' +
        'Sign in with the session cookie, or send a personal access token.',
    },
    servers: [{ url: origin }],
    security: [{ token: [] }, { session: [] }],
    paths: paths(),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A personal access token: fsa_…' },
        session: { type: 'apiKey', in: 'cookie', name: 'fsa_session' },
      },
      parameters,
      schemas: { Problem: problemSchema },
    },
  };
}

function paths(): Record<string, Record<string, unknown>> {
  const found: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const atPath = (found[operation.path] ??= {});
    atPath[operation.method] = describe(operation);
  }
  return found;
}

function describe(operation: Operation): Record<string, unknown> {
  const { method, path, summary, input, status, open, answer } = operation;
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  const parameterNames = [...inPath, ...(operation.query ?? [])];
  return {
    operationId: operationId(method, path),
    summary,
    ...(open === true ? { security: [] } : {}),
    ...(parameterNames.length === 0
      ? {}
      : { parameters: parameterNames.map((name) => ({ $ref: `#/components/parameters/${name}` })) }),
    ...(input === undefined
      ? {}
      : {
          requestBody: {
            required: operation.inputOptional !== true,
            content: { 'application/json': { schema: schemaOf(input) } },
          },
        }),
    ...(operation.inputBytes === true
      ? { requestBody: { required: true, content: { 'application/octet-stream': {} } } }
      : {}),
    responses: {
      [status]: {
        description: answer,
        ...(status === 204 ? {} : { content: { [operation.mediaType ?? 'application/json']: {} } }),
      },
      default: {
        description: 'A problem document.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** `post /api/projects/{id}/start` is `postProjectsStart`. */
function operationId(method: string, path: string): string {
  const words = path
    .split('/')
    .filter((part) => part !== '' && part !== 'api' && !part.startsWith('{'))
    .flatMap((part) => part.split('-'));
  const one = path.endsWith('}') ? 'One' : '';
  return (
    method +
    words
      .map((word) => word.replace(/\.json$/, ''))
      .map(capital)
      .join('') +
    one
  );
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

function schemaOf(schema: z.ZodType): unknown {
  // OpenAPI 3.1 speaks this dialect of JSON Schema by itself.
  return { ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), $schema: undefined };
}

const queryParameter = (name: string, description: string, schema: Record<string, unknown>): unknown => ({
  name,
  in: 'query',
  required: false,
  description,
  schema,
});

const required = (name: string, description: string, schema: Record<string, unknown>): unknown => ({
  ...(queryParameter(name, description, schema) as object),
  required: true,
});

const parameters = {
  id: {
    name: 'id',
    in: 'path',
    required: true,
    description: "A project's name in your own namespace, or `<namespace>~<name>`.",
    schema: { type: 'string' },
  },
  commit: {
    name: 'commit',
    in: 'path',
    required: true,
    description: 'The full id of a commit on `main`.',
    schema: { type: 'string', pattern: '^[0-9a-f]{40}$' },
  },
  proposal: {
    name: 'proposal',
    in: 'path',
    required: true,
    description: 'The id of a proposal.',
    schema: { type: 'string', pattern: '^[0-9a-f]{16}$' },
  },
  share: {
    name: 'share',
    in: 'path',
    required: true,
    description: 'The id of a shared terminal.',
    schema: { type: 'string', pattern: '^[a-z0-9]{24}$' },
  },
  shell: {
    name: 'shell',
    in: 'path',
    required: true,
    description: 'The terminal session of a shell.',
    schema: { type: 'string', pattern: SESSION_ID.source },
  },
  guest: {
    name: 'guest',
    in: 'path',
    required: true,
    description: 'The id of somebody who joined a shared terminal.',
    schema: { type: 'string', pattern: '^[a-z0-9]{24}$' },
  },
  tokenId: { name: 'tokenId', in: 'path', required: true, schema: { type: 'string' } },
  namespace: queryParameter('namespace', 'Another namespace of which you are a member.', { type: 'string' }),
  before: queryParameter('before', 'The `next` of the page before.', { type: 'string' }),
  purge: queryParameter('purge', 'Delete for ever, data included. The body confirms it.', {
    type: 'string',
    enum: ['now'],
  }),
  session: queryParameter(
    'session',
    'The terminal session whose current folder paths begin in; without one it is the workspace.',
    { type: 'string', pattern: SESSION_ID.source },
  ),
  filePath: required('path', 'Steps down from that folder.', { type: 'string' }),
  upload: required('upload', 'Drawn by you: an upload that broke is found again by it.', {
    type: 'string',
    pattern: '^[A-Za-z0-9]{8,40}$',
  }),
  offset: queryParameter('offset', 'How many bytes the sandbox has already: the body begins there.', {
    type: 'integer',
    minimum: 0,
    default: 0,
  }),
  size: required('size', 'Bytes of the whole file.', { type: 'integer', minimum: 0 }),
  clash: queryParameter('clash', 'What to do where there is a file of that name.', {
    type: 'string',
    enum: ['refuse', 'replace', 'keep-both'],
    default: 'refuse',
  }),
  limit: queryParameter('limit', 'How many commits.', {
    type: 'integer',
    minimum: 1,
    maximum: 200,
    default: 50,
  }),
};

const valueSchema = {
  type: ['object', 'null'],
  description: 'null: it is not there. A secret is named, never given back.',
  required: ['secret'],
  properties: { secret: { type: 'boolean' }, value: { type: ['string', 'number', 'boolean'] } },
};

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(errorCodes) },
    detail: { type: 'string', description: 'A sentence for the person.' },
    errors: {
      type: 'array',
      description: 'Messages that belong beside one field of the request.',
      items: {
        type: 'object',
        required: ['field', 'message'],
        properties: {
          field: { type: 'string', description: 'The path in the request, dots between: `env.2.name`.' },
          message: { type: 'string' },
        },
      },
    },
    conflict: {
      type: 'object',
      description:
        'With STALE_VERSION: the fields that somebody else changed differently meanwhile. Nothing was written. Decide about each, and send the change again with `version`.',
      required: ['fields', 'version', 'documents'],
      properties: {
        fields: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'base', 'theirs', 'yours'],
            properties: {
              field: { type: 'string', description: 'As requests name it: `displayName`, `variables.NAME`.' },
              base: valueSchema,
              theirs: valueSchema,
              yours: valueSchema,
            },
          },
        },
        version: { type: 'string', description: 'The version that stands now.' },
        documents: {
          type: 'object',
          description: 'Both documents as YAML, without what is sealed.',
          required: ['theirs', 'yours'],
          properties: { theirs: { type: 'string' }, yours: { type: 'string' } },
        },
      },
    },
  },
};
