import { describe, expect, it } from 'vitest';
import { NAMESPACE } from '../shared/documents-for-tests.js';
import { openInstallation, withTenant } from '../shared/installation-for-tests.js';
import { stockGit } from '../shared/repository-for-tests.js';

describe('the way from a change to a rendered commit', () => {
  it('reads like a story', async () => {
    const { changes, asked, gitDir, reconcile } = await withTenant(await openInstallation());
    const key = { namespace: NAMESPACE, name: 'my-blog' };
    const reconciler = await reconcile();
    await changes.create(asked, { namespace: NAMESPACE, input: { name: 'My Blog', database: true } });
    await changes.act(asked, { key, action: 'stop' });
    await changes.act(asked, { key, action: 'delete' });
    await changes.act(asked, { key, action: 'restore' });
    await reconciler.idle();
    console.log(stockGit(gitDir, 'log', '--stat', 'rendered'));
    console.log(stockGit(gitDir, 'log', 'main'));
    console.log(stockGit(gitDir, 'fsck', '--full', '--strict'));
    expect(1).toBe(1);
  });
});
