import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { at, list, record, text, type Json } from './json.js';

const FOLDER = fileURLToPath(new URL('../../../../shared/crds', import.meta.url));

export const crdsPresent = existsSync(FOLDER);
export const CRDS_MISSING = 'the CRDs in ../shared/crds, beside the repository, are not there';

/** `<apiVersion> <kind>` to what the CRD says; empty where the folder is not there. */
function schemas(): ReadonlyMap<string, Json> {
  const files = crdsPresent ? readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')) : [];
  const found = new Map<string, Json>();
  for (const file of files) {
    const crd = load(readFileSync(join(FOLDER, file), 'utf8'));
    const group = text(crd, 'spec', 'group') ?? '';
    const kind = text(crd, 'spec', 'names', 'kind') ?? '';
    for (const version of list(crd, 'spec', 'versions'))
      found.set(
        `${group}/${text(version, 'name') ?? ''} ${kind}`,
        record(at(version, 'schema', 'openAPIV3Schema')),
      );
  }
  return found;
}

const known = schemas();

/** Fields that the object's CRD does not know, lacks or has of another type; CEL rules are left to a real server. */
export function crdProblems(object: Json): readonly string[] {
  const kind = text(object, 'kind') ?? '';
  const schema = known.get(`${text(object, 'apiVersion') ?? ''} ${kind}`);
  return schema === undefined ? [`There is no CRD of ${kind}.`] : problems(schema, object, kind);
}

function problems(schema: Json, value: unknown, path: string): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true) return [];
  if (Array.isArray(value))
    return schema['type'] === 'array'
      ? value.flatMap((item, index) => problems(record(schema['items']), item, `${path}[${index}]`))
      : [`${path}: not of type ${String(schema['type'])}`];
  if (typeof value === 'object' && value !== null) return objectProblems(schema, record(value), path);
  return scalarProblems(schema, value, path);
}

function objectProblems(schema: Json, value: Json, path: string): readonly string[] {
  if (schema['type'] !== 'object') return [`${path}: not of type ${String(schema['type'])}`];
  const properties = schema['properties'];
  const others = schema['additionalProperties'];
  // metadata: the server knows its fields, the CRD does not.
  if (properties === undefined && others === undefined) return [];
  const missing = list(schema, 'required').filter((key) => !Object.hasOwn(value, String(key)));
  const wrong = Object.entries(value).flatMap(([key, item]) => {
    const field = record(properties)[key] ?? others;
    if (typeof field === 'object') return problems(record(field), item, `${path}.${key}`);
    return schema['x-kubernetes-preserve-unknown-fields'] === true ? [] : [`${path}.${key}: unknown`];
  });
  return [...missing.map((key) => `${path}.${String(key)}: missing`), ...wrong];
}

function scalarProblems(schema: Json, value: unknown, path: string): readonly string[] {
  const type = schema['type'];
  if (type === 'integer' ? !Number.isInteger(value) : typeof value !== type)
    return [`${path}: not of type ${String(type)}`];
  const allowed = schema['enum'];
  if (Array.isArray(allowed) && !allowed.includes(value))
    return [`${path}: not one of ${allowed.join(', ')}`];
  const pattern = text(schema, 'pattern');
  return pattern === undefined || new RegExp(pattern).test(String(value))
    ? []
    : [`${path}: does not match ${pattern}`];
}
