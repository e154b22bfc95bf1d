import type {
  ChangeDto,
  DatabaseDto,
  EnvironmentDto,
  HistoryDto,
  Problem,
  ProjectDto,
  WorkspaceDto,
  ProjectStatus,
} from '@fullstackagent/controller/contract';
import { until } from './until.js';

export interface Reply<T> {
  readonly status: number;
  readonly body: T;
  readonly type: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** `POST /api/projects` answers with the project and the commit; the contract calls that a change. */
export type Change = ChangeDto;

/** One person at the public REST API. */
export class Api {
  readonly base: string;
  #cookie = '';

  constructor(base: string) {
    this.base = base;
  }

  get cookie(): string {
    return this.#cookie;
  }

  async request<T>(method: string, path: string, body?: unknown): Promise<Reply<T>> {
    return this.raw<T>(method, path, body === undefined ? undefined : JSON.stringify(body));
  }

  /** As `request`, with the exact bytes of the body. */
  async raw<T>(method: string, path: string, body?: string | Buffer): Promise<Reply<T>> {
    const headers: Record<string, string> = { origin: this.base, accept: 'application/json' };
    if (this.#cookie !== '') headers['cookie'] = this.#cookie;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    this.#keepCookies(response.headers.getSetCookie());
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, body: (type.includes('json') ? JSON.parse(text) : text) as T };
  }

  #keepCookies(cookies: readonly string[]): void {
    if (cookies.length > 0) this.#cookie = cookies.map((cookie) => cookie.split(';')[0] ?? '').join('; ');
  }

  /** As `request`, and an answer outside 200 to 299 is an error that shows what was said. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await this.request<T>(method, path, body);
    if (reply.status < 200 || reply.status > 299)
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  async refused(method: string, path: string, body?: unknown): Promise<Reply<Problem>> {
    return this.request<Problem>(method, path, body);
  }

  signUp(who: Credentials): Promise<unknown> {
    return this.ask('POST', '/api/auth/signup', who);
  }

  signIn(who: Credentials): Promise<unknown> {
    return this.ask('POST', '/api/auth/login', who);
  }

  create(input: Record<string, unknown>): Promise<Change> {
    return this.ask<Change>('POST', '/api/projects', input);
  }

  project(id: string): Promise<ProjectDto> {
    return this.ask<ProjectDto>('GET', `/api/projects/${id}`);
  }

  act(id: string, action: 'start' | 'stop' | 'restart' | 'restore'): Promise<Change> {
    return this.ask<Change>('POST', `/api/projects/${id}/${action}`);
  }

  remove(id: string): Promise<Change> {
    return this.ask<Change>('DELETE', `/api/projects/${id}`);
  }

  environment(id: string): Promise<EnvironmentDto> {
    return this.ask<EnvironmentDto>('GET', `/api/projects/${id}/environment`);
  }

  putEnvironment(id: string, variables: readonly unknown[]): Promise<Change> {
    return this.ask<Change>('PUT', `/api/projects/${id}/environment`, { variables });
  }

  workspace(id: string): Promise<WorkspaceDto> {
    return this.ask<WorkspaceDto>('GET', `/api/projects/${id}/workspace`);
  }

  history(id: string): Promise<HistoryDto> {
    return this.ask<HistoryDto>('GET', `/api/projects/${id}/history`);
  }

  reveal(id: string): Promise<DatabaseDto> {
    return this.ask<DatabaseDto>('POST', `/api/projects/${id}/database/reveal`);
  }

  /** Waits for a status; an ERROR on the way is kept for the message, because statuses heal. */
  async waitFor(id: string, status: ProjectStatus, deadline = 90_000): Promise<ProjectDto> {
    let seen = '';
    const check = async (): Promise<ProjectDto> => {
      const project = await this.project(id);
      seen = JSON.stringify({
        status: project.status,
        message: project.message,
        resources: project.resources,
      });
      if (project.status !== status) throw new Error(seen);
      return project;
    };
    return until(`${id} to be ${status}`, check, { deadline, every: 200 });
  }
}
