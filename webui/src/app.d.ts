import type { ControllerClient } from '$lib/server/controller-client.js';
import type { Credential, SessionUser } from '$lib/server/users.js';

declare global {
  namespace App {
    interface Error {
      message: string;
      /** The request's id: what a person can tell an operator, who finds it in the log. */
      id?: string;
      /** The problem's code, where the error is one of ours. */
      code?: string;
    }
    interface Locals {
      user: SessionUser | null;
      /** Speaks to the controller as `user`; null where nobody is signed in. */
      controller: ControllerClient | null;
      requestId: string;
      /** How `user` was recognised. Some things (personal access tokens) want a person at a browser. */
      credential: Credential | null;
    }
  }
}

export {};
