/** A value as a person may see it: a secret is named, never given back. */
export type FieldValue =
  { readonly secret: false; readonly value: string | number | boolean } | { readonly secret: true };

/** A field that two people changed differently since the version the form was made from. null: it is not there. */
export interface FieldDifference {
  /** As requests name it: `displayName`, `preset`, `variables.STRIPE_KEY`. */
  readonly field: string;
  /** In the version the form was made from. */
  readonly base: FieldValue | null;
  /** As it stands now. */
  readonly theirs: FieldValue | null;
  readonly yours: FieldValue | null;
}

/**
 * Member `conflict` of the problem document STALE_VERSION. Nothing was written. Decide about each field, then send the
 * change again with `version`.
 */
export interface Conflict {
  readonly fields: readonly FieldDifference[];
  /** The version that stands now. */
  readonly version: string;
  /** Both documents as YAML, without what is sealed. */
  readonly documents: { readonly theirs: string; readonly yours: string };
}
