import { writeDocument } from '@fullstackagent/charts';
import { describe, expect, it } from 'vitest';
import { NAMESPACE, platform } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit } from '../shared/repository-for-tests.js';
import { MainPosition } from './main-position.js';

const tenantPath = `tenants/ab/${NAMESPACE}/tenant.yaml`;
const platformWith = (domain: string): string =>
  writeDocument({ ...platform, spec: { ...platform.spec, exposure: { ...platform.spec.exposure, domain } } });

/** Everything a position answers. */
async function answers(position: MainPosition): Promise<unknown> {
  const documents = await Promise.all(position.paths().map((path) => position.document(path)));
  return { domain: position.platform()?.document.spec.exposure.domain, paths: position.paths(), documents };
}

/** By hand: a better platform, then one that nobody can read, then none, then a good one; and a tenant that goes. */
async function withHistory(): Promise<Installation> {
  const installation = await withTenant(await openInstallation());
  const { gitDir } = installation;
  const steps: Record<string, string | null>[] = [
    { 'platform.yaml': platformWith('one.example.com') },
    { 'platform.yaml': 'nonsense', 'README.md': 'x' },
    { 'platform.yaml': null },
    { [tenantPath]: 'nonsense' },
    { 'platform.yaml': platformWith('two.example.com') },
    { [tenantPath]: null },
  ];
  for (const step of steps) commitWithStockGit(gitDir, 'main', step);
  return installation;
}

describe('the documents at a commit', () => {
  it('are the same whether one came there step by step or looked there first', async () => {
    const { repository } = await withHistory();
    const history = await repository.log({ from: 'refs/heads/main', order: 'oldest first', files: true });
    expect(history).toHaveLength(8);
    const walking = MainPosition.beginning({ repository });
    for (const entry of history) {
      await walking.advance(entry);
      expect(await answers(walking)).toEqual(
        await answers(await MainPosition.at({ repository }, entry.commit, () => true)),
      );
    }
  });

  it('have the last good platform, and a tenant that cannot be read as such', async () => {
    const { repository } = await withHistory();
    const history = await repository.log({ from: 'refs/heads/main', order: 'oldest first' });
    const domains: (string | undefined)[] = [];
    const kinds: (string | undefined)[] = [];
    for (const { commit } of history) {
      const position = await MainPosition.at({ repository }, commit, () => true);
      domains.push(position.platform()?.document.spec.exposure.domain.split('.')[0]);
      kinds.push((await position.document(tenantPath))?.kind);
    }
    expect(domains).toEqual(['apps', 'apps', 'one', 'one', 'one', 'one', 'two', 'two']);
    expect(kinds).toEqual([
      undefined,
      ...Array<string>(4).fill('Tenant'),
      'Unreadable',
      'Unreadable',
      undefined,
    ]);
  });

  it('of before the first commit are none', async () => {
    const { repository } = await openInstallation();
    const position = MainPosition.beginning({ repository });
    expect(await answers(position)).toEqual({ domain: undefined, paths: [], documents: [] });
    expect(position.blobAt('platform.yaml')).toBeUndefined();
  });
});
