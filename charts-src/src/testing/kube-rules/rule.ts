import { podTemplateOf, type Container, type GoldenObject, type PodTemplate } from '../golden-objects.js';

export type Fields = Readonly<Record<string, unknown>>;

/**
 * A check of manifests, called as kube-linter calls it where it has one. `faults` names what in the object is wrong: a
 * container, a port, or '' for the object itself; `all` are the objects that are applied beside it.
 */
export interface Rule {
  readonly name: string;
  readonly faults: (object: GoldenObject, all: readonly GoldenObject[]) => readonly string[];
}

export const fields = (value: unknown): Fields => (value ?? {}) as Fields;
export const list = (value: unknown): readonly Fields[] => (value ?? []) as readonly Fields[];
export const specOf = (object: GoldenObject): Fields => fields(object['spec']);

export const containersOf = ({ spec }: PodTemplate): readonly Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
];

export const podRule = (name: string, isFine: (spec: PodTemplate['spec']) => boolean): Rule => ({
  name,
  faults: (object) => {
    const template = podTemplateOf(object);
    return template === undefined || isFine(template.spec) ? [] : [''];
  },
});

export const containerRule = (
  name: string,
  isFine: (container: Container, pod: PodTemplate['spec']) => boolean,
): Rule => ({
  name,
  faults: (object) => {
    const template = podTemplateOf(object);
    if (template === undefined) return [];
    return containersOf(template).flatMap((container) =>
      isFine(container, template.spec) ? [] : [container.name],
    );
  },
});

export const ofKind = (
  kind: string,
  name: string,
  isFine: (object: GoldenObject, all: readonly GoldenObject[]) => boolean,
): Rule => ({
  name,
  faults: (object, all) => (object.kind !== kind || isFine(object, all) ? [] : ['']),
});
