/** How a step of the pipeline ended. The loop handles every one of them, in one place. */
export type Outcome =
  /** Nothing is left to do until something changes. */
  | { readonly kind: 'done' }
  /** More to do, at once. */
  | { readonly kind: 'requeue' }
  /** Something outside has to happen first; look again then, or after this time. */
  | { readonly kind: 'waiting'; readonly forMs: number }
  /** Only a person can go on from here; looked at again when something changes. */
  | { readonly kind: 'stalled'; readonly message: string }
  /** Tried and failed; tried again with back-off. */
  | { readonly kind: 'failed'; readonly error: unknown };
