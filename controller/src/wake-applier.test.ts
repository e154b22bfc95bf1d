import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { renderedProjectDir, renderedTenantDir } from '@fullstackagent/charts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GitPurgeChanges } from './intent/index.js';
import type { RenderedView } from './model/intent.js';
import { NAMESPACE } from './shared/documents-for-tests.js';
import { openInstallation, ticking, withTenant, type Installation } from './shared/installation-for-tests.js';
import { commitWithStockGit, quietLog, stockGit } from './shared/repository-for-tests.js';
import { wakeApplier, type WakeApplierOptions } from './wake-applier.js';

const key = { namespace: NAMESPACE, name: 'my-blog' };

interface Push {
  readonly before: string;
  readonly after: string;
  readonly commits: readonly { readonly modified: readonly string[] }[];
}

/** Argo CD's webhook, as far as it is called: what it was told. */
async function serveWebhook(): Promise<{ readonly url: string; readonly pushes: Push[] }> {
  const pushes: Push[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      pushes.push(JSON.parse(body) as Push);
      response.end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/webhook`, pushes };
}

async function listening(
  rendered: RenderedView,
  remote?: WakeApplierOptions['remote'],
): Promise<readonly Push[]> {
  const { url, pushes } = await serveWebhook();
  const argocdWebhook = { urls: [url], secret: 'secret', repository: 'https://git.example.com/gitops.git' };
  const config = { cluster: 'kubernetes', delivery: 'argocd', argocdWebhook } as const;
  const end = wakeApplier({ config, rendered, remote, log: quietLog });
  onTestFinished(end);
  return pushes;
}

const tip = ({ gitDir }: Installation): string => stockGit(gitDir, 'rev-parse', 'refs/heads/rendered');
const pathsOf = (pushes: readonly Push[]): string[] =>
  pushes.flatMap(({ commits }) => commits.flatMap(({ modified }) => modified));

describe('the applier is told', () => {
  it('of a commit that changes a tenant and no project', async () => {
    const installation = await openInstallation();
    const { view, idle } = await installation.reconcile();
    const pushes = await listening(view);
    await withTenant(installation);
    await idle();
    await expect.poll(() => pushes.at(-1)?.after).toBe(tip(installation));
    expect(pathsOf(pushes)).toEqual([renderedTenantDir(NAMESPACE)]);
  });

  it('of the last commit of a purge, which leaves nothing of the project', async () => {
    const installation = await withTenant(await openInstallation());
    const { changes, asked, store } = installation;
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await changes.purge(asked, { key, confirm: 'my-blog' });
    const { view, idle } = await installation.reconcile();
    const pushes = await listening(view);
    await new GitPurgeChanges({ store, now: ticking() }).advance(key, 'Unprotect');
    await idle();
    expect((await view.manifests(key)).files).toEqual([]);
    await expect.poll(() => pushes.at(-1)?.after).toBe(tip(installation));
    expect(pathsOf(pushes)).toEqual([renderedProjectDir(NAMESPACE, 'my-blog')]);
  });

  it('of nothing where a commit changes no file; the next one says what it changes', async () => {
    const installation = await withTenant(await openInstallation());
    const { gitDir, store, changes, asked } = installation;
    const { view, idle } = await installation.reconcile();
    const pushes = await listening(view);
    commitWithStockGit(gitDir, 'main', { 'README.md': 'New words\n' });
    await store.refresh();
    await idle();
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await idle();
    await expect.poll(() => pushes.at(-1)?.after).toBe(tip(installation));
    expect(pushes).toHaveLength(1);
    expect(pathsOf(pushes)).toEqual([renderedProjectDir(NAMESPACE, 'my-blog')]);
  });

  it('only when it is there, where it reads from somewhere else', async () => {
    const installation = await openInstallation();
    const { changes, asked } = installation;
    const listeners: ((commit: string) => void)[] = [];
    const remote = {
      onRenderedThere: (listener: (commit: string) => void) => {
        listeners.push(listener);
        return () => undefined;
      },
    };
    const { view, idle } = await installation.reconcile();
    const pushes = await listening(view, remote);
    const arrived = (): void => {
      for (const listener of listeners) listener(tip(installation));
    };
    // Nothing was written: nobody is told again of what was there.
    arrived();
    await withTenant(installation);
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog' } });
    await idle();
    arrived();
    await expect.poll(() => pushes.at(-1)?.after).toBe(tip(installation));
    expect(pushes).toHaveLength(1);
    expect(pathsOf(pushes)).toEqual([renderedTenantDir(NAMESPACE), renderedProjectDir(NAMESPACE, 'my-blog')]);
  });
});
