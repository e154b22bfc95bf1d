import { statfs } from 'node:fs/promises';
import type { Logger } from 'pino';
import { list, text, type KubeObject } from '../store/object.js';
import type { Store } from '../store/store.js';
import type { EventRecorder } from './events.js';

export interface DiskPressureOptions {
  readonly store: Store;
  readonly events: EventRecorder;
  /** What is kept is on the disk of this folder. */
  readonly home: string;
  readonly now: () => Date;
  readonly log: Pick<Logger, 'warn' | 'info' | 'error'>;
  readonly everyMs?: number;
}

const NODE = { kind: 'Node', name: 'local' };
const EVERY_MS = 10_000;
/**
 * The kubelet's word, not its measure: a tenth of a laptop's disk is a hundred gigabytes. This is where PostgreSQL and
 * git still work, and a person has time to make room.
 */
const LITTLE_BYTES = 512 * 1024 ** 2;
const LITTLE_SHARE = 0.05;

/** Says on the Node, as the kubelet does, that the disk is nearly full, and when it is not any more. */
export class DiskPressure {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(private readonly options: DiskPressureOptions) {}

  /** Resolves after the first look. */
  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#look();
    }, this.options.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const { bavail, blocks, bsize } = await statfs(this.options.home);
      this.#report(bavail * bsize, blocks * bsize);
    } catch (err) {
      this.options.log.error({ err }, 'the free space of the disk is not known');
    }
  }

  #report(free: number, size: number): void {
    const { store, events, log, now, home } = this.options;
    const node = store.get(NODE);
    if (node === undefined) return;
    const little = free < Math.min(LITTLE_BYTES, size * LITTLE_SHARE);
    const status = little ? 'True' : 'False';
    const conditions = list(node, 'status', 'conditions');
    const before = conditions.find((entry) => text(entry, 'type') === 'DiskPressure');
    if (text(before, 'status') === status) return;
    const message = little
      ? `${Math.floor(free / 1024 ** 2)} MiB are left on the disk of ${home}: databases and new work fail when it is full.`
      : 'There is space on the disk.';
    const condition = {
      ...{
        type: 'DiskPressure',
        status,
        message,
        lastTransitionTime: now()
          .toISOString()
          .replace(/\.\d+Z$/, 'Z'),
      },
      reason: little ? 'KubeletHasDiskPressure' : 'KubeletHasNoDiskPressure',
    };
    const others = conditions.filter((entry) => entry !== before);
    store.setStatus(NODE, { ...(node['status'] as object), conditions: [...others, condition] });
    if (!little && before === undefined) return;
    const about = asKubelet(node);
    if (little) events.warn(about, 'NodeHasDiskPressure', message);
    else events.note(about, 'NodeHasNoDiskPressure', message);
    log[little ? 'warn' : 'info']({ freeBytes: free }, message);
  }
}

/** Where `kubectl describe node` looks for a Node's events: by its name in the place of its uid, in some namespace. */
const asKubelet = (node: KubeObject): KubeObject => ({
  ...node,
  metadata: { ...node.metadata, namespace: 'default', uid: node.metadata.name },
});
