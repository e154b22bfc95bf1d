import { newsOf } from './news.js';
import { browserTransport } from './transport.js';
import { UploadQueue, type Picked, type Upload } from './upload-queue.js';

const UNDER_WAY: readonly Upload['state'][] = ['queued', 'sending', 'pausing'];

/** The uploads of one project in this page, as the panel shows them. */
export class ProjectUploads {
  lines = $state.raw<readonly Upload[]>([]);
  /** What a screen reader says. */
  said = $state('');
  readonly queue: UploadQueue;
  readonly underWay = $derived(this.lines.filter(({ state }) => UNDER_WAY.includes(state)));
  readonly asking = $derived(this.lines.find(({ state }) => state === 'clash'));
  #latest: readonly Upload[] = [];
  #drawing = false;

  constructor(projectKey: string) {
    this.queue = new UploadQueue({
      transport: browserTransport(projectKey),
      changed: (uploads) => this.#changed(uploads),
    });
  }

  add(picked: readonly Picked[], session: string): void {
    if (picked.length === 0) {
      this.said = 'There are no files in what you dropped.';
      return;
    }
    this.queue.add(picked, session);
    this.said =
      picked.length === 1 ? `Uploading ${picked[0]?.path ?? ''}.` : `Uploading ${picked.length} files.`;
  }

  /** Ends all that is not over. */
  abandon(): void {
    for (const { id } of this.#latest) this.queue.cancel(id);
  }

  /** A thousand small files change a thousand times a second: the page is told once a frame. */
  #changed(uploads: readonly Upload[]): void {
    this.#latest = uploads;
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#announce(this.lines, this.#latest);
      this.lines = this.#latest;
    }, 50);
  }

  #announce(before: readonly Upload[], now: readonly Upload[]): void {
    const news = newsOf(before, now);
    const failed = news.find(({ state }) => state === 'failed');
    const clash = news.find(({ state }) => state === 'clash');
    const left = now.filter(({ state }) => UNDER_WAY.includes(state)).length;
    if (failed !== undefined) this.said = `${failed.path} was not uploaded. ${failed.message}`;
    else if (clash !== undefined) this.said = `${clash.path}: ${clash.message} Choose what to do.`;
    else if (left === 0 && news.some(({ state }) => state === 'done')) {
      const done = now.filter(({ state }) => state === 'done').length;
      this.said = done === 1 ? 'The file is uploaded.' : `${done} files are uploaded.`;
    }
  }
}
