import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from './openapi.js';
import { STREAMED } from '../files/files-proxy.js';
import { operations } from './operations.js';

const routes = join(import.meta.dirname, '..', '..', '..', 'routes');

/** Every method of every route file, as the description writes it. */
function implemented(): string[] {
  const inSvelteKit = readdirSync(join(routes, 'api'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('+server.ts'))
    .flatMap((file) => {
      const path = `/api/${file.replace(/\/?\+server\.ts$/, '')}`.replace(/\[(\w+)\]/g, '{$1}');
      const source = readFileSync(join(routes, 'api', file), 'utf8');
      return [...source.matchAll(/^export const (GET|POST|PUT|PATCH|DELETE)\b/gm)].map(
        ([, method]) =>
          `${String(method).toLowerCase()} ${path.replace('/tokens/{id}', '/tokens/{tokenId}')}`,
      );
    });
  return [...inSvelteKit, ...STREAMED];
}

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly { readonly $ref: string }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Record<string, unknown> }> };
}

describe('the OpenAPI document', () => {
  const document = JSON.parse(JSON.stringify(openApiDocument('http://localhost:3000'))) as {
    paths: Record<string, Record<string, Described>>;
    components: { parameters: Record<string, unknown>; schemas: Record<string, unknown> };
  };
  const described = Object.values(document.paths).flatMap((methods) => Object.values(methods));

  it('describes every route, and no other', () => {
    expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(implemented().sort());
  });

  it('names every operation once', () => {
    const ids = described.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
  });

  it('refers only to what it has', () => {
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/([^"]+)"/g)) {
      const [kind, key] = String(name).split('/') as ['parameters' | 'schemas', string];
      expect(document.components[kind]).toHaveProperty(key);
    }
  });

  it('says what a request may contain, as the schemas that check it do', () => {
    const create =
      document.paths['/api/projects']?.['post']?.requestBody?.content['application/json']?.schema;
    expect(create).toMatchObject({ type: 'object', required: ['name'], additionalProperties: false });
    expect(Object.keys(create?.['properties'] as object)).toEqual(
      expect.arrayContaining(['name', 'description', 'database', 'env']),
    );
  });
});
