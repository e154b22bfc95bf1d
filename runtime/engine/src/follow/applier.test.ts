import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pollUntil } from '../files/polling.js';
import { list, refOf, text, type KubeObject } from '../store/object.js';
import { Store } from '../store/store.js';
import { RenderedRepository } from '../testing/rendered-repository.js';
import { Applier } from './applier.js';
import { gitEnvironment } from './git-environment.js';
import { LastingObjects } from './lasting-objects.js';
import { RenderedBranch } from './rendered-branch.js';

const run = promisify(execFile);
const NS = 'ns-abcd1234';
const folder = (project: string): string => `tenants/ab/${NS}/${project}`;
const PROTECTED = '  annotations: {kustomize.toolkit.fluxcd.io/prune: disabled}\n';

const claim = (project: string, extra = ''): Record<string, string> => ({
  [`${folder(project)}/claim.yaml`]: `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: ${project}--workspace\n  namespace: ${NS}\n${extra}spec: {accessModes: [ReadWriteOnce]}\n`,
});
const configMap = (project: string, value: string): Record<string, string> => ({
  [`${folder(project)}/configmap.yaml`]: `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${project}--env, namespace: ${NS}}\ndata: {value: "${value}"}\n`,
});

/** One life of an engine, as far as following goes. */
class Life {
  readonly store = new Store({ now: () => new Date() });
  readonly deleted: string[] = [];
  readonly errors: string[] = [];

  readonly #applier: Applier;
  /** Whoever keeps the data of claims is slow while this is set. */
  busy = false;

  private constructor(lasting: LastingObjects) {
    const { store, errors, deleted } = this;
    const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) });
    const branch = new RenderedBranch(repository.path);
    this.#applier = new Applier({ branch, store, lasting, now: () => new Date(), log });
    store.onChange(({ type, object }) => {
      if (type === 'DELETED') deleted.push(`${object.kind}/${object.metadata.name}`);
      if (type === 'MODIFIED' && object.metadata.deletionTimestamp !== undefined && !this.busy)
        queueMicrotask(() => {
          store.remove(refOf(object));
        });
    });
    this.#applier.start();
  }

  static async start(): Promise<Life> {
    const life = new Life(await LastingObjects.open(join(home, 'applied')));
    lives.push(life);
    return life;
  }

  stop(): Promise<void> {
    return this.#applier.stop();
  }

  get(kind: string, name: string): KubeObject | undefined {
    const namespace = kind === 'GitRepository' ? 'flux-system' : NS;
    return this.store.get({ kind, namespace, name });
  }

  async until(ask: () => boolean, what: string): Promise<void> {
    const found = await pollUntil(() => (ask() ? true : undefined), { everyMs: 20, deadlineMs: 45_000 });
    if (found === undefined) throw new Error(`It never came to this: ${what}\n${this.errors.join('')}`);
  }

  followed(commit: string): Promise<void> {
    const revision = `rendered@sha1:${commit}`;
    return this.until(
      () => text(this.get('GitRepository', 'platform'), 'status', 'artifact', 'revision') === revision,
      `${commit} is followed`,
    );
  }
}

const ready = (object: KubeObject | undefined): unknown => list(object, 'status', 'conditions')[0];

let home: string;
let repository: RenderedRepository;
const lives: Life[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsa-follow-'));
  repository = await RenderedRepository.create();
});

afterEach(async () => {
  for (const life of lives.splice(0)) await life.stop();
  await repository.remove();
  await rm(home, { recursive: true, force: true });
});

const git = async (...args: string[]): Promise<string> =>
  (await run('git', [`--git-dir=${repository.path}`, ...args], { env: gitEnvironment() })).stdout.trim();

describe('Applier', () => {
  it('applies only what changed, and reports each folder by its own commit', async () => {
    const first = await repository.commit({ ...configMap('one', 'a'), ...configMap('two', 'a') });
    const life = await Life.start();
    await life.followed(first);
    const second = await repository.commit({ ...configMap('one', 'a'), ...configMap('two', 'b') });
    await life.followed(second);
    const applied = ['one', 'two'].map((name) =>
      text(life.get('Kustomization', name), 'status', 'lastAppliedRevision'),
    );
    expect(applied).toEqual([`rendered@sha1:${first}`, `rendered@sha1:${second}`]);
    expect(life.get('ConfigMap', 'one--env')?.metadata.generation).toBe(1);
    expect(life.get('ConfigMap', 'two--env')?.metadata.generation).toBe(2);
  });

  it('marks what it applies as Flux does, with the Kustomization that it is of', async () => {
    const life = await Life.start();
    await life.followed(await repository.commit({ ...configMap('one', 'a'), ...claim('one', PROTECTED) }));
    for (const kind of ['ConfigMap', 'PersistentVolumeClaim'])
      expect(life.get(kind, kind === 'ConfigMap' ? 'one--env' : 'one--workspace')?.metadata.labels).toEqual({
        'kustomize.toolkit.fluxcd.io/name': 'one',
        'kustomize.toolkit.fluxcd.io/namespace': NS,
      });
  });

  it('says that a folder is applied which changed and changed back between two looks', async () => {
    const one = configMap('one', 'a');
    const first = await repository.commit({ ...one, ...configMap('two', 'a') });
    await repository.commit({ ...one, ...configMap('two', 'b') });
    const last = await repository.commit({ ...one, ...configMap('two', 'a') });
    await git('update-ref', 'refs/heads/rendered', first);
    const life = await Life.start();
    await life.followed(first);
    await git('update-ref', 'refs/heads/rendered', last);
    await life.followed(last);
    const applied = ['one', 'two'].map((name) =>
      text(life.get('Kustomization', name), 'status', 'lastAppliedRevision'),
    );
    expect(applied).toEqual([`rendered@sha1:${first}`, `rendered@sha1:${last}`]);
  });

  it('does not apply how Flux would apply a project, but says that it is past such a commit', async () => {
    const delivery = (name: string): Record<string, string> => ({
      [`platform/projects/ab/${NS}/${name}/kustomization-${name}.yaml`]: `apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: ${name}, namespace: ${NS}}\nspec: {interval: 10m, suspend: true}\n`,
    });
    const life = await Life.start();
    await life.followed(await repository.commit({ ...configMap('one', 'a'), ...delivery('gone') }));
    const own = life.get('Kustomization', 'one')?.['spec'];
    const second = await repository.commit({ ...configMap('one', 'a'), ...delivery('one') });
    await life.followed(second);
    const report = life.get('Kustomization', 'one');
    expect(report?.['spec']).toEqual(own);
    expect(text(report, 'status', 'lastAppliedRevision')).toBe(`rendered@sha1:${second}`);
    expect(life.get('Kustomization', 'gone')).toBeUndefined();
    const third = await repository.commit(configMap('one', 'a'));
    await life.followed(third);
    expect(text(life.get('Kustomization', 'one'), 'status', 'lastAppliedRevision')).toBe(
      `rendered@sha1:${third}`,
    );
    expect(life.get('ConfigMap', 'one--env')?.metadata.generation).toBe(1);
    expect(life.errors).toEqual([]);
  });

  it('prunes what only a rewritten branch no longer has', async () => {
    const base = await repository.commit(configMap('one', 'a'));
    const left = await repository.commit({ ...configMap('one', 'a'), ...configMap('two', 'a') });
    const life = await Life.start();
    await life.followed(left);
    await git('update-ref', 'refs/heads/rendered', base);
    await life.followed(await repository.commit({ ...configMap('one', 'a'), ...configMap('three', 'a') }));
    expect(life.get('ConfigMap', 'two--env')).toBeUndefined();
    expect(life.get('ConfigMap', 'three--env')).toBeDefined();
  });

  it('deletes what left the branch while nobody looked', async () => {
    const before = await Life.start();
    await before.followed(await repository.commit({ ...claim('one'), ...claim('two') }));
    await before.stop();
    const tip = await repository.commit(claim('two'));
    const after = await Life.start();
    await after.followed(tip);
    await after.until(() => after.deleted.length > 0, 'it is deleted');
    expect(after.deleted).toEqual(['PersistentVolumeClaim/one--workspace']);
    expect(after.get('PersistentVolumeClaim', 'two--workspace')).toBeDefined();
    await after.stop();
    const later = await Life.start();
    await later.followed(tip);
    expect(later.deleted).toEqual([]);
  });

  it('does not make anew what is still being deleted, and does so afterwards', async () => {
    const life = await Life.start();
    await life.followed(await repository.commit(claim('one')));
    life.busy = true;
    await life.followed(await repository.commit({ 'README.md': 'empty' }));
    const old = life.get('PersistentVolumeClaim', 'one--workspace');
    expect(old?.metadata.deletionTimestamp).toBeDefined();
    await life.followed(await repository.commit(claim('one')));
    expect(ready(life.get('Kustomization', 'one'))).toMatchObject({
      status: 'False',
      message: 'PersistentVolumeClaim one--workspace is still being deleted.',
    });
    if (old !== undefined) life.store.remove(refOf(old));
    await life.until(() => {
      const fresh = life.get('PersistentVolumeClaim', 'one--workspace');
      return fresh !== undefined && fresh.metadata.uid !== old?.metadata.uid;
    }, 'a new claim');
  });

  it('goes on deleting after a crash in the middle of it', async () => {
    const before = await Life.start();
    await before.followed(await repository.commit(claim('one')));
    before.busy = true;
    const tip = await repository.commit({ 'README.md': 'empty' });
    await before.followed(tip);
    await before.stop();
    const after = await Life.start();
    await after.followed(tip);
    await after.until(() => after.deleted.length === 1, 'the claim is gone');
    await after.stop();
    const later = await Life.start();
    await later.followed(tip);
    expect(later.deleted).toEqual([]);
  });

  it('keeps what is protected, over a restart too, until the protection is lifted', async () => {
    const before = await Life.start();
    await before.followed(await repository.commit(claim('one', PROTECTED)));
    await before.followed(await repository.commit({ 'README.md': 'empty' }));
    expect(before.get('PersistentVolumeClaim', 'one--workspace')).toBeDefined();
    await before.stop();
    const after = await Life.start();
    await after.until(
      () => after.get('PersistentVolumeClaim', 'one--workspace') !== undefined,
      'the claim is back',
    );
    await after.followed(await repository.commit(claim('one')));
    await after.followed(await repository.commit({ 'README.md': 'empty' }));
    await after.until(() => after.deleted.includes('PersistentVolumeClaim/one--workspace'), 'it is deleted');
  });

  it('deletes nothing of a folder that cannot be read, however often the engine starts', async () => {
    const before = await Life.start();
    await before.followed(await repository.commit(claim('one')));
    await before.stop();
    const broken = await repository.commit({ [`${folder('one')}/claim.yaml`]: 'kind: [' });
    const after = await Life.start();
    await after.followed(broken);
    expect(after.deleted).toEqual([]);
    expect(ready(after.get('Kustomization', 'one'))).toMatchObject({
      status: 'False',
      reason: 'BuildFailed',
    });
    await after.followed(await repository.commit(claim('one')));
    expect(ready(after.get('Kustomization', 'one'))).toMatchObject({ status: 'True' });
  });

  it('says what of a folder cannot be read, prunes nothing of it, and applies the others', async () => {
    const first = await repository.commit({ ...configMap('one', 'a'), ...configMap('two', 'a') });
    const lost = await repository.commit({ ...configMap('one', 'b'), ...configMap('two', 'b') });
    const file = `${folder('one')}/configmap.yaml`;
    const blob = await git('rev-parse', `${lost}:${file}`);
    await git('update-ref', 'refs/heads/rendered', first);
    await rm(join(repository.path, 'objects', blob.slice(0, 2), blob.slice(2)));
    const life = await Life.start();
    await life.followed(first);
    await git('update-ref', 'refs/heads/rendered', lost);
    await life.followed(lost);
    expect(ready(life.get('Kustomization', 'one'))).toMatchObject({
      status: 'False',
      message: `${file} cannot be read: it is missing from the repository.`,
    });
    expect(life.get('ConfigMap', 'one--env')?.['data']).toEqual({ value: 'a' });
    expect(life.get('ConfigMap', 'two--env')?.['data']).toEqual({ value: 'b' });
  });

  it('says once what is wrong with a folder', async () => {
    const bad = { [`${folder('bad')}/x.yaml`]: 'a: &anchor 1\nb: *anchor\n' };
    const life = await Life.start();
    await life.followed(await repository.commit({ ...bad, ...configMap('one', 'a') }));
    await life.followed(await repository.commit({ ...bad, ...configMap('one', 'b') }));
    expect(life.errors).toHaveLength(1);
    expect(ready(life.get('Kustomization', 'bad'))).toMatchObject({ status: 'False' });
  });

  it('takes up a branch that was rewritten, and prunes what it no longer has', async () => {
    const life = await Life.start();
    const old = await repository.commit({ ...configMap('one', 'a'), ...configMap('two', 'a') });
    await life.followed(old);
    await git('update-ref', '-d', 'refs/heads/rendered');
    const fresh = await repository.commit(configMap('two', 'b'));
    await git('-c', 'gc.pruneExpire=now', 'gc', '-q', '--prune=now');
    await life.followed(fresh);
    expect(life.get('ConfigMap', 'two--env')?.['data']).toEqual({ value: 'b' });
    await life.until(() => life.get('ConfigMap', 'one--env') === undefined, 'the old folder is pruned');
  });

  it('says that the branch was deleted, keeps what was applied, and goes on when it is back', async () => {
    const life = await Life.start();
    const tip = await repository.commit(configMap('one', 'a'));
    await life.followed(tip);
    await git('pack-refs', '--all');
    await git('update-ref', '-d', 'refs/heads/rendered');
    const source = (): { status: string; message: string } =>
      ready(life.get('GitRepository', 'platform')) as { status: string; message: string };
    await life.until(() => source().status === 'False', 'the loss is reported');
    expect(source().message).toContain('Branch rendered is gone');
    expect(life.get('ConfigMap', 'one--env')).toBeDefined();
    await git('update-ref', 'refs/heads/rendered', tip);
    await life.until(() => source().status === 'True', 'all is well again');
  });

  it('follows a packed ref', async () => {
    const life = await Life.start();
    await life.followed(await repository.commit(configMap('one', 'a')));
    await git('pack-refs', '--all');
    await life.followed(await repository.commit(configMap('one', 'b')));
    await git('pack-refs', '--all');
    await life.stop();
    const again = await Life.start();
    await again.followed(await git('rev-parse', 'refs/heads/rendered'));
  });

  it('says that the repository cannot be read, and goes on when it can', async () => {
    const life = await Life.start();
    const good = await repository.commit(configMap('one', 'a'));
    await life.followed(good);
    const ref = join(repository.path, 'refs', 'heads', 'rendered');
    await writeFile(ref, `${'0123456789'.repeat(4)}\n`);
    await life.until(
      () => (ready(life.get('GitRepository', 'platform')) as { status: string }).status === 'False',
      'the trouble is reported',
    );
    expect(life.get('ConfigMap', 'one--env')).toBeDefined();
    expect(life.deleted).toEqual([]);
    await writeFile(ref, `${good}\n`);
    await life.until(
      () => (ready(life.get('GitRepository', 'platform')) as { status: string }).status === 'True',
      'all is well again',
    );
    expect(await readFile(ref, 'utf8')).toBe(`${good}\n`);
  });
});
