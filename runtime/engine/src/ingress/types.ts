import type { Logger } from 'pino';

export type IngressLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Who is asked before a request is passed on: ingress-nginx' `auth-url` and `auth-signin`. */
export interface ForwardAuth {
  readonly url: string;
  /** Where whoever is not signed in is sent. */
  readonly signIn: string | undefined;
}

/** Where a host's requests go now. Asked for every request: it may change at any time. */
export type IngressTarget =
  /** `port`: of this machine's loopback. */
  | { readonly state: 'ready'; readonly port: number; readonly auth?: ForwardAuth }
  /** The host is known, but nothing can answer: `message` is one sentence for a person ("my-blog is starting."). */
  | { readonly state: 'waiting'; readonly message: string };

export interface IngressOptions {
  /** Apps are behind something that takes every connection, whether anybody listens or not. */
  readonly relayed?: boolean;
  /** `host` is lower case, without port and without a final dot. `undefined`: nobody is called like that. */
  readonly lookup: (host: string) => IngressTarget | undefined;
  readonly log: IngressLog;
}

export interface Ingress {
  /** Listens on 127.0.0.1; port 0 draws a free one. Rejects with the system's error (EADDRINUSE). */
  listen(port: number): Promise<void>;
  /** The port it listens on. Throws before `listen`. */
  port(): number;
  /** Ends connections, WebSockets included. */
  close(): Promise<void>;
}
