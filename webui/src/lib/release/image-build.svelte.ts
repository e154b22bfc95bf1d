import type { BuildDto, BuildEvent, BuildInput } from '@fullstackagent/controller/contract';
import { api, type Failure } from '../api.js';

/** What is drawn; the controller keeps as much itself. */
const KEPT_CHARACTERS = 256 * 1024;

/** The build of an image, as it goes on. It is the controller's: leaving the page does not end it. */
export class ImageBuild {
  build = $state.raw<BuildDto>();
  log = $state('');
  /** There was more before what is shown of the log. */
  shortened = $state(false);
  cancelling = $state(false);
  failure = $state.raw<Failure>();
  readonly underWay = $derived(this.build?.state === 'building' || this.build?.state === 'pushing');
  #waiting: ((build: BuildDto) => void) | undefined;
  readonly #path: string;

  /** `path`: of the API, `…/release/build`. */
  constructor(path: string) {
    this.#path = path;
  }

  /** Returns what ends it. The browser connects again by itself, and is told all anew. */
  listen(): () => void {
    const source = new EventSource(`${this.#path}/events`);
    for (const type of ['snapshot', 'log', 'build'])
      source.addEventListener(type, (event: MessageEvent<string>) => {
        this.#take(JSON.parse(event.data) as BuildEvent);
      });
    return () => {
      source.close();
    };
  }

  /** Resolves with the image, or with nothing where it could not be built: `build` and `failure` say why. */
  async run(input: BuildInput): Promise<string | undefined> {
    this.failure = undefined;
    // Begun in another tab, or before this page was loaded: it is of the same workspace.
    if (this.underWay && this.build !== undefined) return (await this.#end(this.build.id)).image;
    const result = await api<BuildDto>('POST', this.#path, input);
    if (!result.ok) {
      this.failure = result.failure;
      return undefined;
    }
    const { id } = result.value;
    if (this.build?.id !== id) this.build = result.value;
    const ended = await this.#end(id);
    return ended.image;
  }

  async cancel(): Promise<void> {
    this.cancelling = true;
    const result = await api<BuildDto>('DELETE', this.#path);
    this.cancelling = false;
    if (result.ok) this.#put(result.value);
  }

  #end(id: string): Promise<BuildDto> {
    return new Promise((resolve) => {
      this.#waiting = (build) => {
        // Another one: ours was forgotten with the controller that ran it.
        if (build.id !== id || build.endedAt !== undefined) resolve(build);
      };
      if (this.build !== undefined) this.#waiting(this.build);
    });
  }

  #take(event: BuildEvent): void {
    switch (event.type) {
      case 'snapshot':
        this.log = event.log;
        this.shortened = event.shortened;
        if (event.build === undefined) this.#lost();
        else this.#put(event.build);
        return;
      case 'log':
        this.log = (this.log + event.text).slice(-KEPT_CHARACTERS);
        return;
      case 'build':
        this.#put(event.build);
    }
  }

  #put(build: BuildDto): void {
    this.build = build;
    this.#waiting?.(build);
  }

  /** The controller was started anew: what it built is not known any more. */
  #lost(): void {
    const { build } = this;
    if (build === undefined || build.endedAt !== undefined) return;
    const message = 'The platform was started anew meanwhile, and the build ended with it. Build again.';
    this.#put({ ...build, state: 'failed', endedAt: build.startedAt, message });
  }
}
