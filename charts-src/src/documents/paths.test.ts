import { describe, expect, it } from 'vitest';
import {
  documentAt,
  projectPath,
  renderedDeliveryDir,
  renderedProjectDir,
  renderedTenantDir,
  tenantPath,
} from './paths.js';

const namespaces = Array.from({ length: 10_000 }, (_, at) => {
  const drawn = ((BigInt(at) + 1n) * 1_000_000_000_039n) % 36n ** 8n;
  return `ns-${Array.from(drawn.toString(36).padStart(8, '0')).reverse().join('')}`;
});

describe('the folders of many tenants', () => {
  it.each([
    ['on main', tenantPath],
    ['of their projects', (namespace: string) => projectPath(namespace, 'p')],
    ['on rendered', (namespace: string) => renderedProjectDir(namespace, 'p')],
    ['for operators', renderedTenantDir],
    ['for the applier', (namespace: string) => renderedDeliveryDir(namespace, 'p')],
  ])('%s: none has so many entries that a commit would rewrite it whole', (_where, pathOf) => {
    const entries = new Map<string, Set<string>>();
    for (const path of namespaces.map(pathOf)) {
      const segments = path.split('/');
      for (let depth = 1; depth < segments.length; depth += 1) {
        const folder = segments.slice(0, depth).join('/');
        entries.set(folder, (entries.get(folder) ?? new Set()).add(segments[depth] ?? ''));
      }
    }
    // Two characters of [0-9a-z].
    expect(Math.max(...[...entries.values()].map(({ size }) => size))).toBeLessThanOrEqual(36 ** 2);
  });

  it('are found again from the path', () => {
    expect(documentAt(tenantPath('ns-ab3cd4ef'))).toEqual({ kind: 'Tenant', namespace: 'ns-ab3cd4ef' });
    expect(documentAt(projectPath('ns-ab3cd4ef', 'p'))).toMatchObject({ kind: 'Project', name: 'p' });
    expect(documentAt('tenants/zz/ns-ab3cd4ef/tenant.yaml')).toBeUndefined();
  });
});
