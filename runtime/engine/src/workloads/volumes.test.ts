import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { text } from '../store/object.js';
import { Store } from '../store/store.js';
import { finishVolumeRemovals, VolumeController } from './volumes.js';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-volumes-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const log = pino({ level: 'silent' });
const ref = (name: string) => ({ kind: 'PersistentVolumeClaim', namespace: 'ns-abcd1234', name });

function claimsIn(root: string): { store: Store; controller: VolumeController } {
  const store = new Store({ now: () => new Date() });
  const controller = new VolumeController(store, root, log);
  store.onChange((change) => {
    controller.onChange(change);
  });
  return { store, controller };
}

describe('a claim', () => {
  it('whose name is not a DNS label gets no folder, and can be deleted', async () => {
    const { store, controller } = claimsIn(base);
    for (const name of ['good', 'bad.gone'])
      store.apply({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: ref(name) });
    const phases = (): unknown[] =>
      ['good', 'bad.gone'].map((name) => text(store.get(ref(name)), 'status', 'phase'));
    await pollUntil(() => (phases().includes(undefined) ? undefined : true), {
      everyMs: 5,
      deadlineMs: 45_000,
    });
    expect(phases()).toEqual(['Bound', 'Pending']);
    expect(await readdir(join(base, 'ns-abcd1234'))).toEqual(['good']);
    store.markDeleted(ref('bad.gone'), 0);
    await pollUntil(() => (store.get(ref('bad.gone')) === undefined ? true : undefined), {
      everyMs: 5,
      deadlineMs: 45_000,
    });
    expect(store.get(ref('bad.gone'))).toBeUndefined();
    await controller.close();
  });
});

describe('at a start', () => {
  it('deletions are ended that were cut off, past what is not ours', async () => {
    const warnings: string[] = [];
    const told = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
    const namespace = join(base, 'volumes', 'ns-abcd1234');
    const elsewhere = join(base, 'elsewhere');
    for (const folder of [
      join(namespace, 'kept'),
      join(namespace, 'left.0a1b2c.gone'),
      join(elsewhere, 'x.gone'),
    ])
      await mkdir(folder, { recursive: true });
    await writeFile(join(base, 'volumes', '.DS_Store'), '');
    await symlink(elsewhere, join(base, 'volumes', 'link'));
    await finishVolumeRemovals(join(base, 'volumes'), told);
    expect(await readdir(namespace)).toEqual(['kept']);
    expect(await readdir(elsewhere)).toEqual(['x.gone']);
    expect(warnings.join('')).toContain('.DS_Store');
    expect(warnings).toHaveLength(2);
  });
});
