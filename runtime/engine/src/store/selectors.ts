import { text, type KubeObject } from './object.js';

/** Thrown for a selector that is not one: answered as 400. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

export type Matches = (object: KubeObject) => boolean;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9./_-]*[A-Za-z0-9])?$/;
/** Empty, or as a label's value has to be. */
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$/;
const SET = /^(\S+)\s+(in|notin)\s+\(([^()]*)\)$/;

/** Kubernetes' label selector: `a=b,c!=d,e,!f,g in (h,i)`. All requirements have to hold. */
export function labelSelector(source: string): Matches {
  const requirements = split(source).map(requirement);
  return ({ metadata }) => requirements.every((holds) => holds(metadata.labels ?? {}));
}

type Labels = Readonly<Record<string, string>>;

function requirement(source: string): (labels: Labels) => boolean {
  const set = SET.exec(source);
  if (set !== null) {
    const [, name = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => checkedValue(value.trim()));
    const among = (labels: Labels): boolean => values.includes(labels[checked(name)] ?? '\0');
    return operator === 'in' ? among : (labels) => !among(labels);
  }
  const comparison = /^([^!=]+)(==|=|!=)(.*)$/.exec(source);
  if (comparison !== null) {
    const [, name = '', operator, written = ''] = comparison;
    const label = checked(name.trim());
    const value = checkedValue(written.trim());
    return operator === '!=' ? (labels) => labels[label] !== value : (labels) => labels[label] === value;
  }
  if (source.startsWith('!')) {
    const label = checked(source.slice(1).trim());
    return (labels) => !Object.hasOwn(labels, label);
  }
  const label = checked(source);
  return (labels) => Object.hasOwn(labels, label);
}

function checked(name: string): string {
  if (!NAME.test(name)) throw new SelectorError(`"${name}" is not a label.`);
  return name;
}

function checkedValue(value: string): string {
  if (!VALUE.test(value)) throw new SelectorError(`"${value}" is not a label's value.`);
  return value;
}

/** By commas, but not by those inside parentheses. */
function split(source: string): readonly string[] {
  return source
    .split(/,(?![^()]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const FIELDS = new Map<string, (object: KubeObject) => string>([
  ['metadata.name', (object) => object.metadata.name],
  ['metadata.namespace', (object) => object.metadata.namespace ?? ''],
  ['spec.nodeName', (object) => text(object, 'spec', 'nodeName') ?? ''],
  ['status.phase', (object) => text(object, 'status', 'phase') ?? ''],
  ['type', (object) => text(object, 'type') ?? ''],
  ['reason', (object) => text(object, 'reason') ?? ''],
  ...['kind', 'namespace', 'name', 'uid', 'fieldPath', 'apiVersion', 'resourceVersion'].map(
    (field): [string, (object: KubeObject) => string] => [
      `involvedObject.${field}`,
      (object) => text(object, 'involvedObject', field) ?? '',
    ],
  ),
]);

/** Field selectors on the fields that real clients use. */
export function fieldSelector(source: string): Matches {
  const requirements = split(source).map((part) => {
    const match = /^([\w.]+)(==|=|!=)(.*)$/.exec(part);
    const read = FIELDS.get(match?.[1] ?? '');
    if (match === null || read === undefined) throw new SelectorError(`"${part}" cannot be selected by.`);
    const [, , operator, value = ''] = match;
    return (object: KubeObject) => (read(object) === value) === (operator !== '!=');
  });
  return (object) => requirements.every((holds) => holds(object));
}
