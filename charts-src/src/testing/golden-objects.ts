import { load, YAML11_SCHEMA } from 'js-yaml';
import { exampleNames, renderExample } from '../synth.js';

export interface GoldenObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** `where` is `<example>/<file>`: what a failing test says. */
export interface Golden {
  readonly where: string;
  readonly example: string;
  readonly object: GoldenObject;
}

/** Every object of every example, read as Kubernetes and Flux read it. */
export function goldenObjects(): readonly Golden[] {
  return exampleNames().flatMap((example) =>
    [...renderExample(example)].map(([file, text]) => ({
      where: `${example}/${file}`,
      example,
      object: load(text, { schema: YAML11_SCHEMA }) as GoldenObject,
    })),
  );
}

/** What operators keep for a project, in a folder that no account of a tenant's applies. A tenant is theirs altogether. */
export const isOperators = ({ example, object }: Golden): boolean =>
  example.startsWith('tenant') || ['Kustomization', 'NetworkPolicy'].includes(object.kind);

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly resources?: { readonly limits?: object; readonly requests?: object };
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly Readonly<Record<string, unknown>>[];
    readonly securityContext?: Readonly<Record<string, unknown>>;
    readonly [field: string]: unknown;
  };
}

/** The pod template of what starts pods; of anything else, nothing. A SealedSecret has a template of another kind. */
export function podTemplateOf(object: GoldenObject): PodTemplate | undefined {
  const template = (object['spec'] as { readonly template?: Partial<PodTemplate> } | undefined)?.template;
  return template?.spec === undefined ? undefined : (template as PodTemplate);
}
