/** One thing that is wrong with a document; `field` is its path, dots between (`spec.env.2.name`), `''` for the whole. */
export interface DocumentIssue {
  readonly field: string;
  readonly message: string;
}

/** A document that cannot be used: not YAML, not the schema, or too large. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly issues: readonly DocumentIssue[];

  constructor(issues: readonly DocumentIssue[], options?: { cause?: unknown }) {
    super(
      issues.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join(' '),
      options,
    );
    this.issues = issues;
  }
}

/** Valid documents that do not fit together: a size, an image or a version that the platform does not offer. */
export class RenderError extends Error {
  override readonly name = 'RenderError';
}
