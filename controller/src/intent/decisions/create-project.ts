import {
  API_VERSION,
  slugOf,
  type PlatformDocument,
  type ProjectDocument,
  type ProjectVariable,
} from '@fullstackagent/charts';
import { AppError } from '../../contract/errors.js';
import type { CreateProjectInput } from '../../contract/projects.js';
import type { Edit, IntentView, ProjectKey } from '../../model/intent.js';
import { projectEdits, refuseField, type FieldNames } from './document-edit.js';
import { drawHost, drawToken, type RandomBytes } from './random.js';
import type { Seal } from '../sealing.js';
import { workspaceField } from './put-workspace.js';

const FIELDS: FieldNames = [
  ['metadata.name', 'name'],
  ['spec.displayName', 'name'],
];

export interface CreateDeps {
  readonly random: RandomBytes;
  readonly seal: Seal;
}

export interface NewProject {
  readonly namespace: string;
  readonly input: CreateProjectInput;
}

/** The key a project will have; its name is made from what was typed. */
export const keyOfNew = ({ namespace, input }: NewProject): ProjectKey => ({
  namespace,
  name: slugOf(input.name),
});

/** Throws NOT_FOUND without the tenant, NAME_TAKEN, and VALIDATION_FAILED for what the platform does not offer. */
export function createProject(deps: CreateDeps): (view: IntentView, project: NewProject) => readonly Edit[] {
  return (view, project) => {
    const key = keyOfNew(project);
    if (view.tenant(key.namespace) === undefined)
      throw new AppError('NOT_FOUND', `There is no namespace ${key.namespace}.`);
    refuseTakenName(view, key);
    return projectEdits(newDocument(view, project, deps), { fields: FIELDS });
  };
}

function refuseTakenName(view: IntentView, key: ProjectKey): void {
  const existing = view.project(key);
  if (existing === undefined) return;
  const { state, purge } = existing.document.spec;
  const message =
    purge !== undefined
      ? `${key.name} is being removed for ever. The name is free when that is done.`
      : state === 'Deleted'
        ? `${key.name} was deleted and its data is still there. Restore it or pick another name.`
        : `There is a project ${key.name} already. Pick another name.`;
  throw new AppError('NAME_TAKEN', message, { errors: [{ field: 'name', message }] });
}

function newDocument(view: IntentView, project: NewProject, { random, seal }: CreateDeps): ProjectDocument {
  const { input, namespace } = project;
  const { spec: platform } = view.platform().document;
  const sealed = (plaintext: string): string =>
    seal({ certificate: platform.sealing.certificate, namespace, plaintext });
  const database = databaseOf(platform, input.database);
  const description = input.description?.trim() ?? '';
  return {
    apiVersion: API_VERSION,
    kind: 'Project',
    metadata: { name: keyOfNew(project).name, namespace },
    spec: {
      displayName: input.name.trim(),
      ...(description === '' ? {} : { description }),
      state: 'Running',
      host: drawHost(view, random),
      sandbox: {
        image: platform.sandbox.defaultImage,
        preset: presetOf(platform.sandbox, input.preset, 'preset'),
        storage: platform.sandbox.defaultStorage,
        ...storageClassOf(platform.sandbox),
      },
      ...(database === undefined ? {} : { database }),
      terminal: {
        sealedToken: sealed(drawToken(random)),
        ...(input.agent === undefined ? {} : { agent: input.agent }),
      },
      env: (input.env ?? []).map(({ name, value, secret }): ProjectVariable =>
        secret === true ? { name, sealed: sealed(value) } : { name, value },
      ),
      ...workspaceField(input.workspace),
    },
  };
}

/** What the platform offers, or VALIDATION_FAILED beside the field that asks for something else. */
export function databaseOf(
  { database }: PlatformDocument['spec'],
  wanted: CreateProjectInput['database'],
): ProjectDocument['spec']['database'] | undefined {
  if (wanted === undefined || wanted === false) return undefined;
  const {
    version = database.defaultVersion,
    storage = database.defaultStorage,
    preset,
  } = wanted === true ? {} : wanted;
  const offered = Object.keys(database.serviceVersions);
  if (!offered.includes(version))
    refuseField(
      'database.version',
      `There is no PostgreSQL ${version} here. Choose one of ${offered.join(', ')}.`,
    );
  return {
    engine: 'postgresql',
    version,
    storage,
    ...storageClassOf(database),
    preset: presetOf(database, preset, 'database.preset'),
  };
}

/** Written down with the volume: another one later is for volumes that are made later. */
const storageClassOf = ({
  storageClass,
}: {
  readonly storageClass?: string | undefined;
}): { storageClass?: string } => (storageClass === undefined ? {} : { storageClass });

export function presetOf(
  { presets, defaultPreset }: { presets: Readonly<Record<string, unknown>>; defaultPreset: string },
  wanted: string | undefined,
  field: string,
): string {
  if (wanted === undefined) return defaultPreset;
  if (Object.hasOwn(presets, wanted)) return wanted;
  return refuseField(
    field,
    `There is no size ${JSON.stringify(wanted)} here. Choose one of ${Object.keys(presets).join(', ')}.`,
  );
}
