import type { PlatformDocument, ProjectDocument } from '@fullstackagent/charts';
import { isForeignBuild } from '../../contract/build.js';
import { AppError } from '../../contract/errors.js';
import { SNAPSHOT_REGISTRY, type ReleaseInput, type RollBackInput } from '../../contract/release.js';
import type { Edit, IntentView, ProjectKey, Versioned } from '../../model/intent.js';
import type { Seal } from '../sealing.js';
import { presetOf } from './create-project.js';
import { changeableProject, refuseField, type FieldNames } from './document-edit.js';
import { withFormerEnv } from './former-env.js';
import { formEdits, type FormBase } from './form-change.js';
import { storedVariables } from './put-environment.js';
import { drawHost, type RandomBytes } from './random.js';

export type Release = NonNullable<ProjectDocument['spec']['release']>;

const FIELDS: FieldNames = [
  ['spec.release.env', 'variables'],
  ['spec.release.', ''],
];

export interface ReleaseDeps {
  readonly random: RandomBytes;
  readonly seal: Seal;
}

interface Asked<T> {
  readonly input: T;
  readonly base?: FormBase | undefined;
}

/**
 * What is left out stays. The address is drawn with the first release, and stays with all that follow.
 * Throws NOT_FOUND, ACTION_NOT_ALLOWED (deleted, no releases here), STALE_VERSION, VALIDATION_FAILED.
 */
export function setRelease(
  deps: ReleaseDeps,
): (view: IntentView, key: ProjectKey, asked: Asked<ReleaseInput>) => readonly Edit[] {
  return (view, key, { input, base }) => {
    const standing = changeableProject(view, key);
    requireReleases(view.platform().document.spec);
    const host = hostFor(view, standing.document.spec.release?.host, { wanted: input.host, deps });
    const edit = (document: ProjectDocument): ProjectDocument => {
      const release = releaseOf(document, input, { view, host, seal: deps.seal });
      return { ...document, spec: { ...document.spec, release } };
    };
    return formEdits(standing, { base, edit, settle: formerFrom(standing), fields: FIELDS });
  };
}

/** Nothing where there is none. Throws NOT_FOUND, ACTION_NOT_ALLOWED (deleted). */
export function takeDown(view: IntentView, key: ProjectKey): readonly Edit[] {
  const standing = changeableProject(view, key);
  return formEdits(standing, {
    base: undefined,
    edit: (document) => {
      const spec = { ...document.spec };
      delete spec.release;
      return { ...document, spec };
    },
  });
}

/**
 * The release as it was recorded then, at the address that it has now and for those it is for now: what was closed since
 * is not opened again by the way. Throws as {@link setRelease}: what the platform offered then it may not offer any more.
 */
export function rollBack(
  { random }: Pick<ReleaseDeps, 'random'>,
  then: Release,
): (view: IntentView, key: ProjectKey, asked: Asked<RollBackInput>) => readonly Edit[] {
  return (view, key, { base }) => {
    const standing = changeableProject(view, key);
    const { spec: platform } = view.platform().document;
    requireReleases(platform);
    checkImage(platform, key, then.image);
    presetOf(platform.sandbox, then.preset, 'preset');
    const { release } = standing.document.spec;
    const host = release?.host ?? (view.hostTaken(then.host) ? drawHost(view, random) : then.host);
    const { visibility: seenThen, ...rest } = then;
    delete rest.formerEnv;
    if (release === undefined) checkVisibility(platform, seenThen);
    const visibility = release === undefined ? seenThen : release.visibility;
    const restored: Release = { ...rest, host, ...(visibility === undefined ? {} : { visibility }) };
    return formEdits(standing, {
      base,
      edit: (document) => ({
        ...document,
        spec: { ...document.spec, release: { ...restored, ...formerOf(document) } },
      }),
      settle: formerFrom(standing),
      fields: FIELDS,
    });
  };
}

/** As it stands: what becomes of it is settled when the change is in the document. */
const formerOf = ({ spec: { release } }: ProjectDocument): Pick<Release, 'formerEnv'> =>
  release?.formerEnv === undefined ? {} : { formerEnv: release.formerEnv };

const formerFrom =
  ({ document: { spec } }: Versioned<ProjectDocument>) =>
  (document: ProjectDocument): ProjectDocument =>
    withFormerEnv(document, spec.release);

function checkVisibility({ exposure }: PlatformDocument['spec'], visibility: Release['visibility']): void {
  if (visibility === 'members' && exposure.forwardAuth === undefined)
    refuseField(
      'visibility',
      'This platform cannot ask who is signed in before an app is shown. Choose "public".',
    );
}

function requireReleases({ release }: PlatformDocument['spec']): void {
  if (release === undefined)
    throw new AppError(
      'ACTION_NOT_ALLOWED',
      'This platform offers no releases. An operator names the registries they may come from in platform.yaml (spec.release.registries).',
    );
}

function hostFor(
  view: IntentView,
  had: string | undefined,
  { wanted, deps }: { wanted: string | undefined; deps: ReleaseDeps },
): string {
  if (wanted === undefined) return had ?? drawHost(view, deps.random);
  if (wanted !== had && view.hostTaken(wanted))
    return refuseField('host', 'This address is taken. Choose another, or leave it out to have one drawn.');
  return wanted;
}

interface Ground {
  readonly view: IntentView;
  readonly host: string;
  readonly seal: Seal;
}

/** What every release says and nobody has to. */
const FIRST: Partial<Release> & Pick<Release, 'replicas' | 'env'> = { replicas: 1, env: [] };

function releaseOf({ metadata, spec }: ProjectDocument, input: ReleaseInput, ground: Ground): Release {
  const { view, host } = ground;
  const { spec: platform } = view.platform().document;
  const before = spec.release ?? FIRST;
  const { image = before.image, replicas = before.replicas } = input;
  if (image === undefined)
    return refuseField('image', 'Say what to release: an image by its digest, or the workspace as it is.');
  if (image !== before.image) checkImage(platform, metadata, image);
  const kept = { ...spec.release };
  delete kept.maxReplicas;
  return {
    ...kept,
    image,
    replicas,
    ...most(input.maxReplicas === undefined ? before.maxReplicas : input.maxReplicas),
    host,
    env: envOf(metadata, input, { ...ground, before: before.env }),
    preset: presetFor(platform, input.preset, before.preset),
    ...choices(platform, spec, input),
  };
}

const most = (maxReplicas: number | null | undefined): Pick<Release, 'maxReplicas'> =>
  maxReplicas === undefined || maxReplicas === null ? {} : { maxReplicas };

/** One that the platform does not offer any more stays until another is asked for. */
const presetFor = (
  { sandbox }: PlatformDocument['spec'],
  wanted: string | undefined,
  had: string | undefined,
): string => (wanted === undefined && had !== undefined ? had : presetOf(sandbox, wanted, 'preset'));

function envOf(
  { namespace }: ProjectKey,
  { variables }: ReleaseInput,
  { view, seal, before }: Ground & { before: Release['env'] },
): Release['env'] {
  if (variables === undefined) return before;
  const { certificate } = view.platform().document.spec.sealing;
  const sealed = (plaintext: string): string => seal({ certificate, namespace, plaintext });
  return storedVariables(variables, { before, field: 'variables', sealed });
}

/** What only some ask for. */
function choices(
  platform: PlatformDocument['spec'],
  spec: ProjectDocument['spec'],
  { port, database, visibility }: ReleaseInput,
): Partial<Release> {
  if (database === true && spec.database === undefined)
    refuseField('database', 'This project has no database. Add one first.');
  checkVisibility(platform, visibility);
  return {
    ...(port === undefined ? {} : { port }),
    ...(database === undefined ? {} : { database }),
    ...(visibility === undefined ? {} : { visibility }),
  };
}

const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** Beside the field, before the schema and the renderer would say it less well. */
function checkImage({ release }: PlatformDocument['spec'], key: ProjectKey, image: string): void {
  const registries = release?.registries ?? [];
  if (!registries.some((registry) => image.startsWith(registry)))
    refuseField('image', `Images may come from ${registries.join(', ')} here.`);
  if (!DIGEST.test(image))
    refuseField(
      'image',
      'Name the image by its digest, like "registry.example.com/team/blog@sha256:…". A tag can mean other bytes tomorrow. "docker inspect", "skopeo inspect" and your registry show the digest.',
    );
  if (image.startsWith(SNAPSHOT_REGISTRY) && !image.startsWith(`${snapshotName(key)}@`))
    refuseField('image', 'This is a snapshot of another project.');
  if (isForeignBuild(release?.build?.repository, key, image))
    refuseField('image', 'This was built from the workspace of another project.');
}

/** A snapshot belongs to one project: its digest is no key to what somebody else released. */
const snapshotName = ({ namespace, name }: ProjectKey): string => `${SNAPSHOT_REGISTRY}${namespace}/${name}`;
