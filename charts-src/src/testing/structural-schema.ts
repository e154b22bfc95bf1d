/** As much of a CRD's `openAPIV3Schema` as says whether an object is well formed. CEL rules are not executed. */
export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
}

/** What is wrong with the value, one sentence each; unknown fields are wrong, as with `kubectl --validate=strict`. */
export function structuralProblems(
  schema: StructuralSchema,
  value: unknown,
  path: string,
): readonly string[] {
  if (schema['x-kubernetes-int-or-string'] === true)
    return typeof value === 'string' || Number.isInteger(value) ? [] : [`${path}: neither a number nor text`];
  if (schema.type !== undefined && !isOfType(schema.type, value))
    return [`${path}: not of type ${schema.type}`];
  if (Array.isArray(value)) return arrayProblems(schema, value, path);
  if (typeof value === 'object' && value !== null) return objectProblems(schema, value, path);
  return scalarProblems(schema, value, path);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function arrayProblems(schema: StructuralSchema, value: readonly unknown[], path: string): readonly string[] {
  if (value.length > (schema.maxItems ?? Infinity))
    return [`${path}: more than ${schema.maxItems ?? 0} items`];
  const { items } = schema;
  return items === undefined
    ? []
    : value.flatMap((item, index) => structuralProblems(items, item, `${path}[${index}]`));
}

function objectProblems(schema: StructuralSchema, value: object, path: string): readonly string[] {
  const missing = (schema.required ?? [])
    .filter((key) => !Object.hasOwn(value, key))
    .map((key) => `${path}.${key}: missing`);
  const wrong = Object.entries(value).flatMap(([key, item]) => {
    const field = schema.properties?.[key] ?? schema.additionalProperties;
    if (typeof field === 'object') return structuralProblems(field, item, `${path}.${key}`);
    return isOpen(schema) || field === true ? [] : [`${path}.${key}: unknown`];
  });
  return [...missing, ...wrong];
}

/** An object without any properties is free in its content (`metadata`, whose fields the API server knows by itself). */
const isOpen = (schema: StructuralSchema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true ||
  (schema.properties === undefined && schema.additionalProperties === undefined);

function scalarProblems(schema: StructuralSchema, value: unknown, path: string): readonly string[] {
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return [`${path}: not one of ${schema.enum.join(', ')}`];
  if (typeof value !== 'string') return [];
  if (value.length > (schema.maxLength ?? Infinity)) return [`${path}: longer than ${schema.maxLength ?? 0}`];
  return schema.pattern === undefined || new RegExp(schema.pattern).test(value)
    ? []
    : [`${path}: does not match ${schema.pattern}`];
}
