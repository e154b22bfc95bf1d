import {
  renderDelivery,
  renderedDeliveryDir,
  renderedProjectDir,
  renderedTenantDir,
  renderProject,
  renderTenant,
  writeDocument,
} from '@fullstackagent/charts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RunningReconciler } from './index.js';
import { NAMESPACE, OWNER, platform as withoutFlux } from '../shared/documents-for-tests.js';
import { openInstallation, type Installation } from '../shared/installation-for-tests.js';
import { commitWithStockGit, stockGit } from '../shared/repository-for-tests.js';

const NAMES = ['a', 'b', 'c'] as const;
const NAMESPACES = [NAMESPACE, 'ns-zz00zz00'] as const;

const platform = { ...withoutFlux, spec: { ...withoutFlux.spec, delivery: { flux: {} } } };

/** What people do, and what happens to the machine meanwhile. */
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('create' as const),
      namespace: fc.constantFrom(...NAMESPACES),
      name: fc.constantFrom(...NAMES),
      database: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      namespace: fc.constantFrom(...NAMESPACES),
      name: fc.constantFrom(...NAMES),
      action: fc.constantFrom('start', 'stop', 'restart', 'delete', 'restore'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart the controller' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lose rendered commits' as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

async function change({ changes, asked }: Installation, one: Step): Promise<void> {
  if (one.kind === 'create')
    await changes.create(asked, {
      namespace: one.namespace,
      input: { name: one.name, database: one.database },
    });
  if (one.kind === 'act')
    await changes.act(asked, { key: { namespace: one.namespace, name: one.name }, action: one.action });
}

/** Moves `rendered` back, as if the machine had been lost before those commits were written. */
function loseCommits(gitDir: string, count: number): void {
  const commits = stockGit(gitDir, 'rev-list', 'rendered').split('\n');
  const target = commits[count];
  if (target === undefined) stockGit(gitDir, 'update-ref', '-d', 'refs/heads/rendered');
  else stockGit(gitDir, 'update-ref', 'refs/heads/rendered', target);
}

/** What `rendered` has to hold, made from the documents as they stand now and nothing else. */
function expectedFiles({ store }: Installation): Map<string, string> {
  const files = new Map<string, string>();
  for (const namespace of NAMESPACES) {
    const tenant = store.tenant(namespace);
    if (tenant === undefined) continue;
    const rendered = renderTenant({ platform, tenant: tenant.document, intent: tenant.version });
    for (const [name, text] of rendered) files.set(`${renderedTenantDir(namespace)}/${name}`, text);
  }
  for (const { document, version } of store.projects()) {
    const folder = renderedProjectDir(document.metadata.namespace, document.metadata.name);
    for (const [name, text] of renderProject({ platform, project: document, intent: version }))
      files.set(`${folder}/${name}`, text);
    const ofApplier = renderedDeliveryDir(document.metadata.namespace, document.metadata.name);
    for (const [name, text] of renderDelivery({ platform, project: document }))
      files.set(`${ofApplier}/${name}`, text);
  }
  return files;
}

async function storedFiles({ repository, gitDir }: Installation): Promise<Map<string, string>> {
  const tree = await repository.snapshotAt(stockGit(gitDir, 'rev-parse', 'rendered'));
  const files = [...tree.files()];
  const contents = await repository.readBlobs(files.map(({ blob }) => blob));
  return new Map(files.map(({ path }, at) => [path, contents[at]?.toString('utf8') ?? '']));
}

describe('whatever people do and whatever happens to the machine', () => {
  it('branch rendered ends as what the documents render to, one commit for each on main', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        let installation = await openInstallation();
        commitWithStockGit(installation.gitDir, 'main', { 'platform.yaml': writeDocument(platform) });
        await installation.store.refresh();
        let reconciler: RunningReconciler = await installation.reconcile();
        for (const namespace of NAMESPACES)
          await installation.changes.createTenant(installation.asked, { namespace, displayName: OWNER });
        for (const one of steps) {
          if (one.kind === 'create' || one.kind === 'act')
            await change(installation, one).catch(() => undefined);
          if (one.kind === 'lose rendered commits') await reconciler.idle();
          if (one.kind === 'create' || one.kind === 'act') continue;
          await installation.close();
          if (one.kind === 'lose rendered commits') loseCommits(installation.gitDir, one.count);
          installation = await openInstallation({ folder: installation.folder });
          reconciler = await installation.reconcile();
        }
        await reconciler.idle();
        const { gitDir, store } = installation;
        expect(await storedFiles(installation)).toEqual(expectedFiles(installation));
        const sources = stockGit(
          gitDir,
          'log',
          '--reverse',
          '--format=%(trailers:key=Intent-Commit,valueonly,separator=)',
          'rendered',
        );
        expect(sources).toBe(stockGit(gitDir, 'rev-list', '--reverse', 'main'));
        for (const { document, version } of store.projects()) {
          const { namespace, name } = document.metadata;
          const commit = stockGit(
            gitDir,
            'log',
            '-1',
            '--format=%H',
            'rendered',
            '--',
            renderedProjectDir(namespace, name),
          );
          expect(reconciler.view.lastRendered({ namespace, name })).toEqual({ commit, version });
        }
        await installation.close();
      }),
      { numRuns: 8 },
    );
  });
});
