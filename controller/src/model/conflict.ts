/** A field that two sides changed, each in its own way. `undefined`: it is not there on that side. */
export interface FieldConflict {
  /** Path in the document, dots between; an entry of a list is named by its key (`spec.env.STRIPE_KEY`). Empty: the whole file. */
  readonly field: string;
  readonly base: unknown;
  readonly ours: unknown;
  readonly theirs: unknown;
}
