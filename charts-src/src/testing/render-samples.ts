import fc from 'fast-check';
import { fingerprint } from '../charts/fingerprint.js';
import { writeDocument } from '../documents/read-write.js';
import { renderDelivery, renderProject, renderTenant } from '../render.js';
import { fullProjects } from './arbitrary-full-documents.js';
import { platforms, tenants } from './arbitrary-tenants.js';

/** What a process renders, and where it believes to be. */
export interface Rendered {
  readonly locale: string;
  readonly timeZone: string;
  /** Of each sample. */
  readonly hashes: readonly string[];
}

/** The same documents in every process. */
const samples = (count: number) =>
  fc.sample(fc.tuple(platforms, tenants, fullProjects), { seed: 4, numRuns: count });

export function renderSamples(
  count: number,
  order: (indexes: number[]) => number[] = (all) => all,
): Rendered {
  const documents = samples(count);
  const hashes: string[] = [];
  for (const index of order(documents.map((_, at) => at))) {
    const [platform, tenant, project] = documents[index] ?? [];
    if (platform === undefined || tenant === undefined || project === undefined) continue;
    const texts = [writeDocument(project), writeDocument(tenant)];
    for (const files of [
      renderProject({ platform, project, intent: 'x' }),
      renderDelivery({ platform, project }),
      renderTenant({ platform, tenant, intent: 'x' }),
    ])
      texts.push(...[...files].flat());
    hashes[index] = fingerprint(texts.join('\0'));
  }
  const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
  return { locale, timeZone, hashes };
}
