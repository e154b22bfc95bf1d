import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { fileURLToPath } from 'node:url';
import { jsonSchemas } from './json-schemas.js';

const UPDATE = process.env['UPDATE_GOLDEN'] === '1';

const file = (kind: string): string =>
  fileURLToPath(new URL(`../../../gitops-template/schemas/${kind}.schema.json`, import.meta.url));

describe.each(Object.entries(jsonSchemas()))('the JSON Schema of %s', (kind, schema) => {
  it('is the one in the template (UPDATE_GOLDEN=1 writes it)', async () => {
    const text = await format(JSON.stringify(schema), {
      ...(await resolveConfig(file(kind))),
      parser: 'json',
    });
    if (UPDATE) writeFileSync(file(kind), text);
    expect(readFileSync(file(kind), 'utf8')).toBe(text);
  });

  it('refuses fields it does not know', () => {
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  });
});
