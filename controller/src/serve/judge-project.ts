import type { PlatformDocument, ProjectDocument } from '@fullstackagent/charts';
import { AppError } from '../contract/errors.js';
import type { IntentView } from '../model/intent.js';
import { releaseProblems } from './judge-release.js';

type Spec = ProjectDocument['spec'];

/** What a schema cannot see: what else there is, what the platform offers, and what was there before. */
export function projectProblems(
  view: IntentView,
  hosts: Set<string>,
  document: ProjectDocument,
): readonly string[] {
  const { metadata, spec } = document;
  const before = view.project(metadata)?.document.spec;
  return [
    ...hostProblems(view, hosts, { spec, before }),
    ...purgeProblems(spec, before),
    ...offerProblems(view, document, before),
  ];
}

interface Change {
  readonly spec: Spec;
  readonly before: Spec | undefined;
}

function hostProblems(view: IntentView, hosts: Set<string>, { spec, before }: Change): readonly string[] {
  const { host, release } = spec;
  const released =
    release === undefined || release.host === before?.release?.host
      ? []
      : takenProblems(view, hosts, { field: 'spec.release.host', host: release.host });
  if (before === undefined) return [...takenProblems(view, hosts, { field: 'spec.host', host }), ...released];
  return [...(host === before.host ? [] : ['spec.host: it is drawn once and never changes.']), ...released];
}

function takenProblems(
  view: IntentView,
  hosts: Set<string>,
  { field, host }: { readonly field: string; readonly host: string },
): readonly string[] {
  const taken = view.hostTaken(host) || hosts.has(host);
  hosts.add(host);
  return taken ? [`${field}: another project has this one. Draw another.`] : [];
}

const purgeProblems = (spec: Spec, before: Spec | undefined): readonly string[] =>
  spec.purge === before?.purge
    ? []
    : ['spec.purge: the steps of a removal are not set by hand. The portal removes a project for ever.'];

/** What a project has already it may keep, though the platform stopped offering it. */
function offerProblems(
  view: IntentView,
  document: ProjectDocument,
  before: Spec | undefined,
): readonly string[] {
  const { spec } = document;
  const platform = platformOf(view);
  if (platform === undefined) return [];
  const { sandbox, database } = platform;
  const asked: readonly (readonly [string, string | undefined, string | undefined, readonly string[]])[] = [
    ['spec.sandbox.image', spec.sandbox.image, before?.sandbox.image, sandbox.allowedImages],
    ['spec.sandbox.preset', spec.sandbox.preset, before?.sandbox.preset, Object.keys(sandbox.presets)],
    ['spec.database.preset', spec.database?.preset, before?.database?.preset, Object.keys(database.presets)],
    [
      'spec.database.version',
      spec.database?.version,
      before?.database?.version,
      Object.keys(database.serviceVersions),
    ],
  ];
  const offered = asked.flatMap(([field, value, had, choices]) =>
    value === undefined || value === had || choices.includes(value)
      ? []
      : [`${field}: the platform does not offer it. Choose one of ${choices.join(', ')}.`],
  );
  return [...offered, ...releaseProblems(platform, document, before)];
}

function platformOf(view: IntentView): PlatformDocument['spec'] | undefined {
  try {
    return view.platform().document.spec;
  } catch (error) {
    // Without a platform nothing is offered, and mending it must be possible.
    if (error instanceof AppError && error.code === 'NOT_READY') return undefined;
    throw error;
  }
}
