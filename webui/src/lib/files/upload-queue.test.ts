import { problem, type ErrorCode } from '@fullstackagent/controller/contract';
import { describe, expect, it } from 'vitest';
import type { Result } from '../api.js';
import { until } from '../server/testing/until.js';
import type { SendOptions, Sending, Transport } from './transport.js';
import { AT_ONCE, UploadQueue, type Upload } from './upload-queue.js';

const refusal = (code: ErrorCode, detail = 'Because.'): { ok: false; failure: never } =>
  ({ ok: false, failure: { kind: 'problem', problem: problem(code, detail) } }) as never;
const broken = { ok: false, failure: { kind: 'network' } } as const;

/** A sandbox's folder in memory, with the rules of the controller: parts by upload, a name that is taken is refused. */
class Folder implements Transport {
  readonly files = new Map<string, string>();
  readonly parts = new Map<string, string>();
  readonly forgotten: string[] = [];
  readonly offsets: number[] = [];
  /** How many bytes the next sends bring before they break. */
  readonly breakAfter: number[] = [];
  refuseWith: { ok: false; failure: never } | undefined;
  atOnce = 0;
  mostAtOnce = 0;
  hold: Promise<void> = Promise.resolve();

  /** What comes in between two looks: the sandbox had it in hand when the connection broke. */
  late = '';

  state({ path, upload }: Sending): Promise<Result<{ received: number; exists: boolean }>> {
    const part = this.parts.get(upload) ?? '';
    const { length: received } = part;
    if (received > 0) {
      this.parts.set(upload, part + this.late);
      this.late = '';
    }
    return Promise.resolve({ ok: true, value: { received, exists: this.files.has(path) } });
  }

  forget({ path }: Sending): Promise<unknown> {
    this.forgotten.push(path);
    return Promise.resolve();
  }

  async send(sending: Sending, { offset, progress, signal }: SendOptions): Promise<Result<{ path: string }>> {
    this.atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
    this.offsets.push(offset);
    await Promise.race([this.hold, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    const text = await sending.file.text();
    this.atOnce -= 1;
    if (signal.aborted) return broken;
    if (this.refuseWith !== undefined) return this.refuseWith;
    const limit = this.breakAfter.shift() ?? Infinity;
    const part = (this.parts.get(sending.upload) ?? '').slice(0, offset) + text.slice(offset, offset + limit);
    this.parts.set(sending.upload, part);
    progress(part.length - offset);
    return part.length < text.length ? broken : this.#place(sending, part);
  }

  #place({ path, clash }: Sending, content: string): Result<{ path: string }> {
    if (this.files.has(path) && clash === 'refuse') return refusal('NAME_TAKEN');
    const place = this.files.has(path) && clash === 'keep-both' ? `${path}-1` : path;
    this.files.set(place, content);
    return { ok: true, value: { path: `/workspace/${place}` } };
  }
}

function start(): {
  folder: Folder;
  queue: UploadQueue;
  line: (path: string) => Upload | undefined;
  waits: number[];
} {
  const folder = new Folder();
  const waits: number[] = [];
  let uploads: readonly Upload[] = [];
  const queue = new UploadQueue({
    transport: folder,
    changed: (now) => (uploads = now),
    wait: (milliseconds) => {
      // Shorter ones are between two looks at how far it is.
      if (milliseconds >= 500) waits.push(milliseconds);
      return Promise.resolve();
    },
  });
  return { folder, queue, waits, line: (path) => uploads.find((upload) => upload.path === path) };
}

const file = (path: string, text = path): { path: string; file: Blob } => ({ path, file: new Blob([text]) });

describe('the upload queue', () => {
  it('brings files where they belong and says where they are', async () => {
    const { folder, queue, line } = start();
    queue.add([file('a.txt', 'one'), file('src/b.txt', 'two'), file('empty', '')], 'main');
    await until(
      'all to be done',
      () => line('empty')?.state === 'done' && line('src/b.txt')?.state === 'done',
    );
    expect([...folder.files]).toEqual([
      ['a.txt', 'one'],
      ['src/b.txt', 'two'],
      ['empty', ''],
    ]);
    expect(line('src/b.txt')).toMatchObject({ place: '/workspace/src/b.txt', sent: 3, size: 3 });
  });

  it('sends a few at a time', async () => {
    const { folder, queue, line } = start();
    let release = (): void => undefined;
    folder.hold = new Promise((resolve) => (release = resolve));
    queue.add(
      Array.from({ length: 8 }, (_, index) => file(`f${index}`)),
      'main',
    );
    await until('the first to be under way', () => folder.atOnce === AT_ONCE);
    expect(line('f3')?.state).toBe('queued');
    release();
    await until('the last to be done', () => line('f7')?.state === 'done');
    expect(folder.files.size).toBe(8);
    expect(folder.mostAtOnce).toBe(AT_ONCE);
  });

  it('goes on where the connection broke, with the bytes that are there', async () => {
    const { folder, queue, line, waits } = start();
    folder.breakAfter.push(4, 0, 3);
    queue.add([file('long', '0123456789')], 'main');
    await until('it to be done', () => line('long')?.state === 'done');
    expect(folder.files.get('long')).toBe('0123456789');
    expect(folder.offsets).toEqual([0, 4, 4, 7]);
    expect(waits).toHaveLength(3);
  });

  it('waits until what was on its way has come in', async () => {
    const { folder, queue, line } = start();
    folder.breakAfter.push(4);
    folder.late = '456';
    queue.add([file('long', '0123456789')], 'main');
    await until('it to be done', () => line('long')?.state === 'done');
    expect([folder.files.get('long'), folder.offsets]).toEqual(['0123456789', [0, 7]]);
  });

  it('gives up after a number of tries that bring nothing, and tries again when asked', async () => {
    const { folder, queue, line, waits } = start();
    folder.refuseWith = refusal('NOT_READY', 'The sandbox does not run.');
    queue.add([file('a')], 'main');
    await until('it to give up', () => line('a')?.state === 'failed');
    expect(line('a')?.message).toBe('The sandbox does not run.');
    expect(waits).toHaveLength(7);
    folder.refuseWith = undefined;
    queue.retry(Number(line('a')?.id));
    await until('it to be done', () => line('a')?.state === 'done');
  });

  it('says at once what no other try would change', async () => {
    const { folder, queue, line, waits } = start();
    folder.refuseWith = refusal(
      'ACTION_NOT_ALLOWED',
      'The sandbox could not do this: No space left on device',
    );
    queue.add([file('a')], 'main');
    await until('it to stop', () => line('a')?.state === 'failed');
    expect([line('a')?.message, waits]).toEqual([
      'The sandbox could not do this: No space left on device',
      [],
    ]);
  });

  it('asks about a name that is taken, and does what was chosen', async () => {
    const { folder, queue, line } = start();
    for (const path of ['a', 'b', 'c']) folder.files.set(path, 'old');
    queue.add([file('a', 'new'), file('b', 'new'), file('c', 'new')], 'main');
    await until('all to ask', () => ['a', 'b', 'c'].every((path) => line(path)?.state === 'clash'));
    queue.decide(Number(line('a')?.id), 'replace', false);
    queue.decide(Number(line('b')?.id), 'keep-both', false);
    queue.decide(Number(line('c')?.id), 'skip', false);
    await until('them to be over', () => line('a')?.state === 'done' && line('b')?.state === 'done');
    expect(Object.fromEntries(folder.files)).toEqual({ a: 'new', b: 'old', 'b-1': 'new', c: 'old' });
    expect(line('c')?.state).toBe('skipped');
    // What was sent before it was known is taken away again.
    expect(folder.forgotten).toEqual(['c']);
  });

  it('asks once for all that were dropped together, and again for the next ones', async () => {
    const { folder, queue, line } = start();
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const path of names) folder.files.set(path, 'old');
    queue.add(
      names.map((path) => file(path, 'new')),
      'main',
    );
    await until('one to ask', () => line('a')?.state === 'clash');
    queue.decide(Number(line('a')?.id), 'replace', true);
    await until('all to be done', () => names.every((path) => line(path)?.state === 'done'));
    queue.clear();
    queue.add([file('a', 'newer')], 'main');
    await until('it to ask again', () => line('a')?.state === 'clash');
    expect(folder.files.get('e')).toBe('new');
  });

  it('asks before it sends a large file in vain', async () => {
    const { folder, queue, line } = start();
    folder.files.set('big', 'old');
    queue.add([file('big', 'x'.repeat(2 * 1024 * 1024))], 'main');
    await until('it to ask', () => line('big')?.state === 'clash');
    expect(folder.offsets).toEqual([]);
  });

  it('does not ask without end where even replacing is refused', async () => {
    const { folder, queue, line } = start();
    folder.files.set('a', 'old');
    queue.add([file('a')], 'main');
    await until('it to ask', () => line('a')?.state === 'clash');
    folder.refuseWith = refusal('NAME_TAKEN', 'There is a folder of this name.');
    queue.decide(Number(line('a')?.id), 'replace', true);
    await until('it to stop', () => line('a')?.state === 'failed');
  });

  it('cancels what is under way, takes its part away, and lets the next one in', async () => {
    const { folder, queue, line } = start();
    folder.hold = new Promise(() => undefined);
    queue.add(
      ['a', 'b', 'c', 'd'].map((path) => file(path)),
      'main',
    );
    await until('three to be under way', () => folder.atOnce === 3);
    queue.cancel(Number(line('a')?.id));
    await until('the fourth to be under way', () => line('d')?.state === 'sending');
    expect(line('a')?.state).toBe('cancelled');
    expect(folder.forgotten).toEqual(['a']);
    queue.clear();
    expect([line('a'), line('b')?.state]).toEqual([undefined, 'sending']);
  });
});
