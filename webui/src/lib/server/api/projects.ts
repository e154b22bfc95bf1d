import { AppError } from '@fullstackagent/controller/contract';
import { z } from 'zod';
import { ensureTenant } from '../accounts.js';
import type { ProjectKey } from '../project-key.js';
import { validated } from '../validated.js';
import { readJson } from './body.js';
import { namespaceOf, type Call } from './route.js';

/** Whether it is the right name is for the controller to say. */
export const purgeInput = z.strictObject({
  confirm: z
    .string("Type the project's name to confirm.")
    .describe("With `purge=now`: the project's name, to confirm that its data goes for ever."),
});

export async function listProjects(call: Call): Promise<unknown> {
  return { projects: await call.controller.projects(namespaceOf(call)) };
}

/** The project's own fields that a script asks for first, and the change as the contract has it. */
export async function createProject(call: Call): Promise<unknown> {
  const namespace = namespaceOf(call);
  const input = await readJson(call.event.request);
  if (namespace === call.user.namespace) await ensureTenant(call.event, call.user);
  const change = await call.controller.createProject(namespace, input);
  const { id, status } = change.project;
  return { id, status, ...change };
}

export async function deleteProject({
  event,
  controller,
  key,
}: Call & { key: ProjectKey }): Promise<unknown> {
  const purge = event.url.searchParams.get('purge');
  if (purge === null) return controller.deleteProject(key);
  // Ignored, any other word would be a promise that the data is gone.
  if (purge !== 'now') throw new AppError('BAD_REQUEST', 'Write purge=now, or leave it out.');
  const { confirm } = validated(purgeInput, await readJson(event.request));
  return controller.purgeProject(key, confirm);
}

/** Only the two that the controller knows. */
export function pageOf(url: URL): { before?: string; limit?: string } {
  const before = url.searchParams.get('before');
  const limit = url.searchParams.get('limit');
  return { ...(before === null ? {} : { before }), ...(limit === null ? {} : { limit }) };
}

const notBuilt: Readonly<Record<string, string>> = {
  events: 'One project has no events of its own in this version: use /api/events.',
  terminal: 'The terminal is a WebSocket: connect to this address with the subprotocol "tty".',
};

export function nothingThere(part: string): never {
  const known = Object.hasOwn(notBuilt, part) ? notBuilt[part] : undefined;
  throw new AppError('NOT_FOUND', known ?? 'There is nothing at this address.');
}
