/** `GET /v1/apps/:label`: whose app answers at `<label>.<domain>`, for who may see it. */
export interface AppDto {
  readonly namespace: string;
  /** Of the project. */
  readonly id: string;
  /** Scheme, host and port, as browsers write an origin. */
  readonly origin: string;
}
