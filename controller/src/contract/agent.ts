import { z } from 'zod';

/** What an operator can ask for. `allow` and `revoke` are about an agent without isolation. */
export const agentAction = z.strictObject({
  action: z.enum(
    ['install', 'cancel', 'remove', 'allow', 'revoke'],
    'The action is one of install, cancel, remove, allow, revoke.',
  ),
});
export type AgentActionInput = z.input<typeof agentAction>;

/** `GET /v1/agent`: how it stands with Claude Code in sandboxes. */
export interface AgentDto {
  /** `image`: on a cluster it is what the sandbox image has, and nothing below says more. */
  readonly from: 'image' | 'machine';
  /** Whether sandboxes find it. */
  readonly available: boolean;
  /** The version that would be installed: the sandbox image's. */
  readonly wanted?: string;
  /** One that somebody put on this machine themselves. `shown`: sandboxes see it, and use it. */
  readonly onPath?: { readonly path: string; readonly shown: boolean };
  /** In the folder that all sandboxes share. */
  readonly installed?: { readonly version: string; readonly bytes: number };
  /** `ofBytes`: about as much as it will write. */
  readonly installing?: { readonly since: string; readonly bytes: number; readonly ofBytes: number };
  /** Why the last attempt ended otherwise than well; `lines`: what npm said last. For operators. */
  readonly failure?: { readonly message: string; readonly lines: readonly string[] };
  /** Where sandboxes are not isolated it starts by itself only once an operator has allowed that. */
  readonly consent: {
    readonly needed: boolean;
    /** `at`: RFC 3339. `by`: the name of an account. */
    readonly given?: { readonly at: string; readonly by: string };
  };
}
