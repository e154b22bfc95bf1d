import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

const PERSON = 'x-person';

/** The header with which a git client says to the gateway who it is. */
export const asPerson = (person: string): string => `${PERSON}: ${person}`;

export interface SigningGateway {
  readonly port: number;
  stop(): void;
}

/**
 * Stands where the portal stands: one command of git is several requests, and each of them needs a token of its own.
 * `sign` answers the value of `Authorization`.
 */
export async function startSigningGateway(
  target: () => number,
  sign: (person: string) => Promise<string>,
): Promise<SigningGateway> {
  const server = createServer((request, response) => {
    void sign(String(request.headers[PERSON])).then((authorization) => {
      const outgoing = httpRequest({
        host: '127.0.0.1',
        port: target(),
        method: request.method,
        path: request.url,
        headers: { ...request.headers, authorization },
        agent: false,
      });
      outgoing.on('error', () => response.destroy());
      outgoing.on('response', (incoming) => {
        response.writeHead(incoming.statusCode ?? 502, incoming.headers);
        incoming.on('error', () => response.destroy()).pipe(response);
      });
      request.pipe(outgoing);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
