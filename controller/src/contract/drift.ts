/** What differs between the manifests on `rendered` and what the cluster has, of one project, at this moment. */
export interface DriftDto {
  /** The tip of `rendered` that was compared with. */
  readonly commit: string;
  /** False while the applier has not applied the project as it is rendered: what is behind will come by itself. */
  readonly applied: boolean;
  /** How many objects were looked at. */
  readonly compared: number;
  /** Those that are not as rendered. */
  readonly objects: readonly DriftedObjectDto[];
}

/**
 * `changed`: see the differences. `missing`: not on the cluster. `behind`: rendered from an older version of the
 * document; only what somebody else changed is listed. `extra`: labelled as the project's, and not rendered (any more).
 * `unreadable`: the controller may not read it.
 */
export type DriftState = 'changed' | 'missing' | 'behind' | 'extra' | 'unreadable';

export interface DriftedObjectDto {
  readonly kind: string;
  readonly name: string;
  readonly state: DriftState;
  readonly differences: readonly DriftDifferenceDto[];
}

export interface DriftDifferenceDto {
  /** As in `spec.template.spec.containers[sandbox].image`. */
  readonly path: string;
  readonly how: 'changed' | 'removed' | 'added';
  readonly rendered?: string;
  readonly live?: string;
  /** Who owns the field by the object's managed fields, the last first; empty where they do not tell. */
  readonly by: readonly FieldManagerDto[];
}

export interface FieldManagerDto {
  /** What its client calls itself: `kubectl-edit`, `kustomize-controller`. */
  readonly manager: string;
  readonly operation: string;
  /** RFC 3339. */
  readonly at?: string;
  /** It is the one that applies the manifests. */
  readonly applier: boolean;
}
