import type { PlatformDocument } from '@fullstackagent/charts';
import type { MainPosition } from './main-position.js';

/** The version of `platform.yaml` that manifests are rendered with. */
export interface PlatformInForce {
  /** Blob id. */
  readonly version: string;
  readonly document: PlatformDocument;
}

/**
 * A change of `platform.yaml` that changes manifests. `waiting`: for approval, the platform before it stays in force.
 * `rolling`: it is in force, and the documents up to `through` (by path) are rendered with it.
 */
export type RollOut =
  | { readonly commit: string; readonly state: 'waiting' }
  | { readonly commit: string; readonly state: 'rolling'; readonly through: string };

/** Where rendering has come to; everything that the next rendered commit depends on. */
export interface Standing {
  readonly documents: MainPosition;
  readonly platform: PlatformInForce | undefined;
  readonly rollOut: RollOut | undefined;
  /** Intent commits whose removals are held back, and the intent commit that was rendered before each. */
  readonly held: ReadonlyMap<string, string>;
}
