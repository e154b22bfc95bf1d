import type { GoldenObject, PodTemplate } from './golden-objects.js';

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}
interface Sources {
  readonly configMap?: Reference;
  readonly secret?: Reference;
  readonly configMapRef?: Reference;
  readonly secretRef?: Reference;
}

/** `<kind> <name>` of what has to be there; a Secret comes from a SealedSecret of its name. */
export function references(template: PodTemplate | undefined): readonly string[] {
  if (template === undefined) return [];
  const { spec } = template;
  const of = ({ configMap, secret, configMapRef, secretRef }: Sources): readonly string[] => [
    ...[configMap, configMapRef].flatMap((ref) =>
      ref && ref.optional !== true ? [`ConfigMap ${ref.name}`] : [],
    ),
    ...[secret, secretRef].flatMap((ref) =>
      ref && ref.optional !== true ? [`SealedSecret ${ref.name}`] : [],
    ),
  ];
  const volumes = (spec.volumes ?? []) as readonly {
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly projected?: { readonly sources: readonly Sources[] };
  }[];
  const containers = spec.containers as readonly {
    readonly env?: readonly { readonly valueFrom?: { readonly secretKeyRef?: Reference } }[];
    readonly envFrom?: readonly Sources[];
  }[];
  return [
    ...volumes.flatMap(({ persistentVolumeClaim: claim, projected }) => [
      ...(claim ? [`PersistentVolumeClaim ${claim.claimName}`] : []),
      ...(projected?.sources ?? []).flatMap(of),
    ]),
    ...containers.flatMap(({ env, envFrom }) => [
      ...(env ?? []).flatMap(({ valueFrom }) => {
        const secret = valueFrom?.secretKeyRef;
        return secret === undefined ? [] : of({ secret });
      }),
      ...(envFrom ?? []).flatMap(of),
    ]),
  ];
}

/** `<Service>:<port>` that requests are handed on to. */
export function backends(object: GoldenObject): readonly string[] {
  if (object.kind === 'Ingress') {
    const { rules } = object['spec'] as {
      rules: { http: { paths: { backend: { service: { name: string; port: { number: number } } } }[] } }[];
    };
    return rules.flatMap(({ http }) =>
      http.paths.map(({ backend: { service } }) => `${service.name}:${service.port.number}`),
    );
  }
  if (object.kind !== 'HTTPRoute') return [];
  const { rules } = object['spec'] as { rules: { backendRefs: { name: string; port: number }[] }[] };
  return rules.flatMap(({ backendRefs }) => backendRefs.map(({ name, port }) => `${name}:${port}`));
}
