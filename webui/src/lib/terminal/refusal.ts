import { api } from '../api.js';

/**
 * What `path` says to a person who may not use it: the sentence where trying again will not help, undefined where the
 * platform is only away.
 */
export async function whyRefused(path: string): Promise<string | undefined> {
  const answer = await api('GET', path);
  if (answer.ok || answer.failure.kind === 'network') return undefined;
  const { status, detail } = answer.failure.problem;
  return status >= 400 && status < 500 && status !== 429 ? detail : undefined;
}
