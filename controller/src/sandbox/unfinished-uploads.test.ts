import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { UnfinishedUploads, type NamedUpload } from './unfinished-uploads.js';

const upload = (n: number): NamedUpload => ({
  key: { namespace: 'ns-ab3cd4ef', name: 'blog' },
  query: { path: 'file', upload: `upload${String(n).padStart(4, '0')}` },
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('no more than so many are watched over: the oldest are not', async () => {
  const removed: string[] = [];
  const uploads = new UnfinishedUploads({
    keptMs: 20,
    watched: 3,
    remove: ({ query }) => {
      removed.push(query.upload);
      return Promise.resolve();
    },
  });
  const cut = (): Promise<never> => Promise.reject(new Error('cut off'));
  for (let n = 0; n < 5; n += 1) await uploads.take(upload(n), cut).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(20);
  expect(removed).toEqual(['upload0002', 'upload0003', 'upload0004']);
});
