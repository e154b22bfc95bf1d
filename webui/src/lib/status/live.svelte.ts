import type { ProjectDto } from '@fullstackagent/controller/contract';
import { createContext } from 'svelte';
import { api } from '../api.js';
import { parseEvent, reduce, type ProjectList, staleSeconds } from './reducer.js';

const POLL_MS = 3_000;
/** How often a page that polls tries to get its stream back. */
const RETRY_STREAM_MS = 15_000;
/** A hidden page gives its stream back: a browser has six connections a server, and a phone has a battery. */
const HIDDEN_GRACE_MS = 60_000;

/** How this page learns what changed. `offline`: the portal itself does not answer. */
export type Connection = 'connecting' | 'live' | 'polling' | 'offline';

/** The signed-in person's projects, live. One for the whole app, handed down by context. */
export class LiveProjects {
  projects = $state.raw<ProjectList>([]);
  connection = $state<Connection>('connecting');
  /** True once a list was received: an empty list is then a fact and not a gap. */
  loaded = $state(false);
  #receivedAt = $state(0);
  #now = $state(0);
  #source: EventSource | undefined;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing is drawn from it
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #closed = true;

  constructor(initial: ProjectList | undefined) {
    this.projects = initial ?? [];
    this.loaded = initial !== undefined;
  }

  /** Seconds since the portal was last heard from; 0 while it is. */
  readonly offlineSeconds = $derived(
    this.connection === 'offline' ? Math.max(0, (this.#now - this.#receivedAt) / 1000) : 0,
  );
  /** Seconds by which the cluster's state is behind, as the controller says. */
  readonly staleSeconds = $derived(staleSeconds(this.projects));

  find(namespace: string, id: string): ProjectDto | undefined {
    return this.projects.find((project) => project.namespace === namespace && project.id === id);
  }

  /** The answer to a change is newer than anything the stream has sent. */
  put(project: ProjectDto): void {
    this.projects = reduce(this.projects, { type: 'project', project });
  }

  /** Lets go of the stream for a while; what is known stays. */
  pause(): void {
    this.#closed = true;
    this.#stop();
  }

  resume(): void {
    this.#closed = false;
    this.#restart();
  }

  /** Starts to listen; returns what ends it. */
  connect(): () => void {
    this.#closed = false;
    this.#receivedAt = this.#now = Date.now();
    const clock = setInterval(() => (this.#now = Date.now()), 1_000);
    const onVisibility = (): void => this.#visibilityChanged();
    const onOnline = (): void => this.#restart();
    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('online', onOnline);
    this.#openStream();
    return () => {
      clearInterval(clock);
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('online', onOnline);
      this.pause();
    };
  }

  #openStream(): void {
    this.#source?.close();
    const source = new EventSource('/api/events');
    this.#source = source;
    const read = (event: MessageEvent<string>): void => this.#read(event.data);
    for (const type of ['snapshot', 'project', 'removed', 'freshness']) source.addEventListener(type, read);
    source.addEventListener('open', () => {
      this.#clearTimers();
      this.#heard('live');
    });
    source.addEventListener('error', () => {
      // A refused stream is closed for good by the browser, a broken one is retried by it; polling bridges both.
      source.close();
      if (this.#source === source && !this.#closed) this.#fallBack();
    });
  }

  #read(data: string): void {
    const event = parseEvent(data);
    if (event === undefined) return;
    this.projects = reduce(this.projects, event);
    if (event.type === 'snapshot') this.loaded = true;
    this.#heard('live');
  }

  #heard(how: Connection): void {
    this.connection = how;
    this.#receivedAt = Date.now();
  }

  #fallBack(): void {
    this.#source = undefined;
    this.#clearTimers();
    if (this.connection !== 'offline') this.connection = 'polling';
    this.#later(RETRY_STREAM_MS, () => this.#openStream());
    void this.#poll();
  }

  async #poll(): Promise<void> {
    const result = await api<{ projects: readonly ProjectDto[] }>('GET', '/api/projects');
    if (this.#closed || this.connection === 'live') return;
    if (result.ok) {
      this.projects = reduce(this.projects, { type: 'snapshot', projects: result.value.projects });
      this.loaded = true;
      this.#heard('polling');
    } else if (result.failure.kind === 'problem' && result.failure.problem.code === 'UNAUTHENTICATED') {
      // The session ended (signed out in another tab): the server decides where to go.
      window.location.reload();
      return;
    } else {
      this.connection = 'offline';
    }
    this.#later(POLL_MS, () => void this.#poll());
  }

  #visibilityChanged(): void {
    if (document.visibilityState === 'visible') {
      if (this.#source === undefined && !this.#closed) this.#restart();
      return;
    }
    this.#later(HIDDEN_GRACE_MS, () => {
      if (document.visibilityState !== 'hidden') return;
      this.#stop();
    });
  }

  #restart(): void {
    this.#clearTimers();
    this.#openStream();
  }

  #stop(): void {
    this.#clearTimers();
    this.#source?.close();
    this.#source = undefined;
  }

  #later(delay: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, delay);
    this.#timers.add(timer);
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

export const [getLiveProjects, setLiveProjects] = createContext<LiveProjects>();
