import { expect, it } from 'vitest';
import { openLimits, openRlimits, type Isolation } from '../isolation/index.js';
import { searchPath } from '../config.js';
import { list, text } from '../store/object.js';
import { Store } from '../store/store.js';
import { registerNode } from './node.js';

const PLAIN: Isolation = { kind: 'none', reason: 'bubblewrap is not installed.' };

async function node(isolation: Isolation): Promise<unknown> {
  const store = new Store({ now: () => new Date() });
  await registerNode(store, { isolation, postgresql: '18.1' });
  return store.get({ kind: 'Node', name: 'local' });
}

const annotation = (object: unknown, name: string): string | undefined =>
  text(object, 'metadata', 'annotations', `fullstackagent.dev/${name}`);

it('a machine that limits nothing says so', async () => {
  const local = await node(PLAIN);
  expect(annotation(local, 'limits')).toBe('none');
  expect(annotation(local, 'not-enforced')).toMatch(/limits of memory, limits of processes, limits of CPU$/);
  expect(list(local, 'status', 'conditions')[1]).toMatchObject({ type: 'LimitsEnforced', status: 'False' });
});

it('a machine that limits says what, and by what', async (context) => {
  const limits = process.getuid?.() === 0 ? await openLimits(`test-node-${process.pid}`) : undefined;
  const limited = limits?.enforced ?? new Set();
  const rlimits = await openRlimits({ path: searchPath(), ownUsers: true, limited });
  context.skip(limits === undefined && rlimits === undefined, 'nothing can be limited here');
  try {
    const local = await node({ ...PLAIN, limits, rlimits });
    expect(annotation(local, 'limits')).toMatch(/^memory by (control groups|limits of each process)/);
    expect(annotation(local, 'not-enforced')).not.toContain('limits of memory');
    expect(annotation(local, 'limits')).toMatch(/processes \(4096 a sandbox\) by /);
  } finally {
    await limits?.close();
  }
});
