import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../store/object.js';
import { prepareMounts, refreshFiles } from './pod-volumes.js';

let base = '';
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'fsa-mounts-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const places = () => ({ volumes: join(base, 'engine', 'volumes'), pod: join(base, 'engine', 'pods', 'uid') });

const pod = (name: string, volume: object): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'blog-0', namespace: 'ns-abcd1234', uid: 'uid' },
    spec: {
      containers: [{ volumeMounts: [{ name, mountPath: '/workspace' }] }],
      volumes: [{ name, ...volume }],
    },
  }) as unknown as KubeObject;

const claim = (claimName: string): KubeObject => pod('workspace', { persistentVolumeClaim: { claimName } });
const configMap = (name: string): KubeObject => pod(name, { configMap: { name: 'env' } });

describe('the folders of a pod', () => {
  it('are those of its claims and its own', async () => {
    expect(await prepareMounts(claim('blog--workspace'), places())).toEqual(
      new Map([
        ['/workspace', { folder: join(places().volumes, 'ns-abcd1234', 'blog--workspace'), readOnly: false }],
      ]),
    );
    await refreshFiles(configMap('env'), places(), { lookup: () => new Map([['A', '1']]) });
    expect(await readdir(join(places().pod, 'volumes', 'env'))).toEqual(['A']);
  });

  it.each(['..', '../../../elsewhere', '.', '', 'a/b', 'a.b', 'A', 'x'.repeat(64), 'a\0b', '-a'])(
    'are never made from the name %j',
    async (name) => {
      await expect(prepareMounts(claim(name), places())).rejects.toThrow(/is not a name of a volume/);
      await expect(prepareMounts(configMap(name), places())).rejects.toThrow(/is not a name of a volume/);
      expect(await readdir(base)).toEqual([]);
    },
  );

  it('are never cleared of what is not theirs', async () => {
    await writeFile(join(base, 'precious'), '');
    const outside = configMap('../../../..');
    await expect(refreshFiles(outside, places(), { lookup: () => new Map() })).rejects.toThrow(
      /is not a name/,
    );
    expect(await readdir(base)).toEqual(['precious']);
  });
});
