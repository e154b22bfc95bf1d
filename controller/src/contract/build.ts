import { z } from 'zod';
import { singleLine } from '@fullstackagent/charts/documents';

/** `POST …/release/build`. The command counts where the workspace has no Dockerfile; it is looked for in the workspace. */
export const buildInput = z.strictObject({ command: singleLine(2000, 'The start command').optional() });
export type BuildInput = z.input<typeof buildInput>;

/** An image of a workspace, from its build to the registry. Nothing is recorded: a release names the image. */
export interface BuildDto {
  readonly id: string;
  readonly state: 'building' | 'pushing' | 'succeeded' | 'failed' | 'cancelled';
  /** RFC 3339. */
  readonly startedAt: string;
  readonly endedAt?: string;
  /** While it is pushed; what the registry has already is counted. */
  readonly progress?: { readonly bytes: number; readonly totalBytes: number };
  /** By its digest, when it succeeded: what `image` of a release says. */
  readonly image?: string;
  /** Why it failed, for a person. */
  readonly message?: string;
}

/** `GET …/release/build`: the last one since the controller started, if it is not long ago. */
export interface BuildStateDto {
  readonly build?: BuildDto;
  /** Whole lines, each with its end: the last 256 KiB. */
  readonly log: string;
  /** There was more before it. */
  readonly shortened: boolean;
}

/** `GET …/release/build/events`: `snapshot` first and after each reconnect, then what changes. */
export type BuildEvent =
  | ({ readonly type: 'snapshot' } & BuildStateDto)
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'build'; readonly build: BuildDto };

/** What was built here belongs to the workspace that it was built from: its digest is no key to it. */
export function isForeignBuild(
  repository: string | undefined,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  image: string,
): boolean {
  if (repository === undefined || !image.startsWith(repository)) return false;
  const [whose = ''] = image.slice(repository.length).split('@');
  return /^ns-[a-z0-9]{8}\//.test(whose) && whose !== `${namespace}/${name}`;
}
