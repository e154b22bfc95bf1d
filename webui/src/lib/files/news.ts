import type { Upload } from './upload-queue.js';

/** The uploads that are in another state than before. */
export function newsOf(before: readonly Upload[], now: readonly Upload[]): readonly Upload[] {
  const states = new Map(before.map(({ id, state }) => [id, state]));
  return now.filter(({ id, state }) => states.get(id) !== state);
}
