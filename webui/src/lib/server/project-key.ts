import { namespaceName, projectName } from '@fullstackagent/charts/documents';
import { AppError } from '@fullstackagent/controller/contract';

export interface ProjectKey {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Reads `:id`: a project's name in `ownNamespace`, or `<namespace>~<name>`. Throws NOT_FOUND for anything that cannot
 * be the name of a project, so that no other text ever becomes part of an address.
 */
export function projectKeyOf(id: string, ownNamespace: string): ProjectKey {
  const [first = '', second, ...more] = id.split('~');
  const key =
    second === undefined ? { namespace: ownNamespace, name: first } : { namespace: first, name: second };
  if (
    more.length > 0 ||
    !namespaceName.safeParse(key.namespace).success ||
    !projectName.safeParse(key.name).success
  )
    throw new AppError('NOT_FOUND', 'There is no such project.');
  return key;
}

/** The shortest `:id` that names the project for somebody whose namespace is `ownNamespace`. */
export const projectIdOf = (key: ProjectKey, ownNamespace: string): string =>
  key.namespace === ownNamespace ? key.name : `${key.namespace}~${key.name}`;
