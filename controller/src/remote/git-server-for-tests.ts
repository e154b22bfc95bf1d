import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { answerWithBackend } from '../serve/backend.js';
import { repositoryOptions } from '../shared/repository-for-tests.js';

export interface GitServer {
  readonly url: string;
  /** The `Authorization` of each request; empty where it had none. */
  readonly authorizations: string[];
  /** What it answers instead of git, while it is set. */
  refuseWith: { readonly status: number; readonly text: string } | undefined;
}

/** A server as people run them: git's own program behind HTTP, with a password. */
export async function startGitServer(
  gitDir: string,
  password: { readonly user: string; readonly token: string } | undefined,
): Promise<GitServer> {
  const expected =
    password === undefined
      ? undefined
      : `Basic ${Buffer.from(`${password.user}:${password.token}`).toString('base64')}`;
  const state: { authorizations: string[]; refuseWith: GitServer['refuseWith'] } = {
    authorizations: [],
    refuseWith: undefined,
  };
  const server = createServer((request, response) => {
    state.authorizations.push(request.headers.authorization ?? '');
    if (state.refuseWith !== undefined) {
      const { status, text } = state.refuseWith;
      response.writeHead(status, status < 400 ? { Location: `${text}/info/refs` } : {});
      response.end(text);
    } else if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
    } else void answer(gitDir, { request, response });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/upstream.git`;
  return Object.assign(state, { url });
}

function answer(
  gitDir: string,
  exchange: { request: IncomingMessage; response: ServerResponse },
): Promise<void> {
  const { pathname, search } = new URL(exchange.request.url ?? '', 'http://localhost');
  return answerWithBackend(
    {
      kind: 'push',
      location: { gitDir, searchPath: repositoryOptions.searchPath },
      path: pathname.replace('/upstream.git', ''),
      query: search.slice(1),
      user: 'somebody',
      settings: [
        ['safe.directory', '*'],
        ['http.receivepack', 'true'],
      ],
      environment: {},
      limitMs: 30_000,
      log: pino({ level: 'silent' }),
    },
    exchange,
  ).catch(() => undefined);
}
